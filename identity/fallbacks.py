"""Answers where no view was reached: problem documents under /api/, Django's pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from identity import problem_documents, problems

API: str = "/api/"


@csrf_exempt
def unknown_endpoint(request: HttpRequest) -> HttpResponse:
    """Answer 404 for a path under /api/ that leads nowhere, whatever the method."""
    problem = problems.Problem(problems.NOT_FOUND, detail="There is no such endpoint.")
    return problem_documents.plain_response(problem, request=request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 (Django's handler400)."""
    if not request.path.startswith(API):
        return defaults.bad_request(request, exception)
    return problem_documents.plain_response(problems.Problem(problems.BAD_REQUEST), request=request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 (Django's handler404)."""
    if not request.path.startswith(API):
        return defaults.page_not_found(request, exception)
    return unknown_endpoint(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 (Django's handler500)."""
    if not request.path.startswith(API):
        return defaults.server_error(request)
    return problem_documents.plain_response(
        problems.Problem(problems.INTERNAL_ERROR), request=request
    )

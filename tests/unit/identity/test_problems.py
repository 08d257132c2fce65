"""From an exception to a problem document."""

import logging

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from identity import problem_documents, problems


class OutOfTea(Exception):
    """A refusal of some domain."""

    code = "out_of_tea"


class OutOfGreenTea(OutOfTea):
    """A narrower one."""


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch):
    monkeypatch.setattr(problems, "CATALOGUE", dict(problems.CATALOGUE))
    monkeypatch.setattr(problems, "_registered", dict(problems._registered))


def handle(exc, *, method="post"):
    request = Request(getattr(APIRequestFactory(), method)("/api/v1/tea"))
    return problems.handle(exc, {"request": request})


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (exceptions.ParseError(), 400, "malformed_body"),
        (exceptions.ValidationError({"a": ["no"]}), 400, "invalid_request"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "token_invalid"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PATCH"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (RequestDataTooBig(), 413, "body_too_large"),
        (exceptions.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=7), 429, "throttled"),
        (SuspiciousOperation(), 400, "bad_request"),
        (OperationalError("no connection"), 503, "unavailable"),
        (ZeroDivisionError("secret detail"), 500, "internal_error"),
    ],
)
def test_every_exception_becomes_a_document(exc, status, code):
    answer = handle(exc)

    assert answer.status_code == answer.data["status"] == status
    assert answer.data["code"] == code
    assert answer.data["type"].endswith(f"/api/v1/problems/{code}")
    assert answer.data["instance"] == "/api/v1/tea"
    assert answer.content_type == "application/problem+json"
    assert code in problems.CATALOGUE


def test_a_domain_refusal_is_answered_as_registered_subclasses_too():
    problems.register(OutOfTea, status=409, title="No tea")

    answer = handle(OutOfGreenTea("the pot is empty"))

    assert answer.status_code == 409
    assert answer.data["code"] == "out_of_tea"
    assert answer.data["detail"] == "the pot is empty"


def test_a_crash_tells_the_log_everything_and_the_client_nothing(caplog):
    with caplog.at_level(logging.ERROR):
        answer = handle(ZeroDivisionError("secret detail"))

    assert "secret detail" not in str(answer.data)
    assert "secret detail" in caplog.text


def test_one_code_cannot_mean_two_things():
    problems.declare(code="tea_spilled", status=409, title="Tea spilled")

    with pytest.raises(problems.CodeTaken):
        problems.declare(code="tea_spilled", status=410, title="Tea spilled")


class Guest(serializers.Serializer):
    name = serializers.CharField()


class Party(serializers.Serializer):
    place = serializers.CharField(min_length=3)
    guests = Guest(many=True)


def test_errors_point_into_the_body():
    party = Party(data={"place": "x", "guests": [{"name": "Ada"}, {"name": ""}]})
    party.is_valid()

    errors = problem_documents.errors_of(party.errors)

    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("#/place", "min_length"),
        ("#/guests/1/name", "blank"),
    ]


def test_errors_of_a_query_name_the_parameter():
    answer = handle(exceptions.ValidationError({"date": ["no date"]}), method="get")

    assert answer.data["errors"] == [{"parameter": "date", "code": "invalid", "detail": "no date"}]

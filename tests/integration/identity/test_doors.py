"""What every endpoint does with bad input, shown at the doors of Identity."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def problem(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = json.loads(answer.content)
    assert document["status"] == status
    assert document["code"] == code
    assert {"type", "title", "detail", "instance", "request_id"} <= document.keys()
    return document


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize("path", ["/api/", "/api/v1/nowhere", "/api/v1/tokens/"])
def test_an_unknown_path_under_api_is_a_problem_document(method, path):
    problem(getattr(APIClient(), method)(path), 404, "not_found")


def test_a_method_that_is_not_there_is_a_problem_document():
    answer = APIClient().patch("/api/v1/accounts/verify", {}, format="json")

    problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(content_type):
    answer = Client().post("/api/v1/tokens", b"email=a", content_type=content_type)

    problem(answer, 415, "unsupported_media_type")


def test_another_accept_header_is_refused():
    answer = APIClient().get("/api/v1/problems", HTTP_ACCEPT="text/html")

    problem(answer, 406, "not_acceptable")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"email": "\\u0000"}', b'{"a":1,"a":2}', b"\xff"])
def test_an_unreadable_body_is_refused(body):
    answer = Client().post("/api/v1/tokens", body, content_type="application/json")

    problem(answer, 400, "malformed_body")


def test_a_huge_body_is_refused():
    body = json.dumps({"email": "a" * 300_000})

    answer = Client().post("/api/v1/tokens", body, content_type="application/json")

    problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, "", " ", "a" * 300])
def test_a_field_of_the_wrong_sort_is_named(value):
    answer = APIClient().post("/api/v1/accounts/password-reset", {"email": value}, format="json")

    if value in (1, True):  # a number is text enough, and nobody's address
        assert answer.status_code in (202, 400)
    else:
        document = problem(answer, 400, "invalid_request")
        assert document["errors"][0]["pointer"].startswith("#/email")


def test_the_document_names_the_request_as_the_logs_do():
    answer = APIClient().get("/api/v1/tokens", HTTP_X_REQUEST_ID="trip-7")

    assert answer.headers["X-Request-ID"] == "trip-7"
    assert answer.json()["request_id"] == "trip-7"


def test_the_type_of_a_problem_can_be_looked_up():
    document = problem(APIClient().get("/api/v1/tokens"), 401, "not_authenticated")

    kind = APIClient().get(document["type"].removeprefix("http://127.0.0.1:8000")).json()

    assert kind == {"code": "not_authenticated", "status": 401, "title": document["title"]}


def test_health_is_told_without_signing_in():
    assert APIClient().get("/livez").json() == {"status": "alive"}
    assert APIClient().get("/readyz").json() == {"status": "ready", "database": "ok"}

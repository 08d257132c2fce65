"""The API's description of itself: OpenAPI and the problem catalogue."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from identity import problems

DOCS = Path(settings.BASE_DIR) / "docs"


def test_the_openapi_document_validates_without_a_warning(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn")

    assert "openapi: 3.1.0" in capsys.readouterr().out


def test_the_document_and_its_page_are_served_to_everybody():
    client = APIClient()

    document = client.get("/api/v1/openapi.json").json()
    page = client.get("/api/v1/docs").content.decode()

    assert "/api/v1/reservations/{reservation_id}/confirm" in document["paths"]
    assert "cdn" not in page.lower()


def test_every_operation_says_which_problems_it_answers_with():
    paths = APIClient().get("/api/v1/openapi.json").json()["paths"]

    silent = [
        operation["operationId"]
        for path in paths.values()
        for operation in path.values()
        if not any(
            "application/problem+json" in answer.get("content", {})
            for answer in operation["responses"].values()
        )
    ]

    assert silent == ["problems_list"]


@pytest.mark.django_db
def test_the_problem_catalogue_in_the_docs_equals_the_code():
    APIClient().get("/api/v1/problems")
    rows = re.findall(
        r"^\| `(\w+)` \| (\d{3}) \| ([^|]+) \|", (DOCS / "problems.md").read_text(), re.M
    )

    documented = {code: (int(status), title.strip()) for code, status, title in rows}

    assert documented == {
        kind.code: (kind.status, kind.title) for kind in problems.CATALOGUE.values()
    }

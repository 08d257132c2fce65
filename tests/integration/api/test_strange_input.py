"""Strange input, on every operation: a 4xx with a problem document, and not a row is written."""

import json
import sys
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.integration.api import cast as people
from tests.integration.api import document

pytestmark = pytest.mark.django_db

JSON: Final = "application/json"
BODIES: Final[dict[str, tuple[bytes, str]]] = {
    "cut off": (b"{", JSON),
    "a list": (b"[1]", JSON),
    "a text": (b'"text"', JSON),
    "null": (b"null", JSON),
    "a null character": (b'{"a": "\\u0000"}', JSON),
    "a null character in a name": (b'{"a\\u0000": 1}', JSON),
    "half a surrogate pair": (b'{"a": "\\ud800"}', JSON),
    "a name twice": (b'{"a": 1, "a": 1}', JSON),
    "not a number": (b'{"a": NaN}', JSON),
    "deep": (b'{"a":' * 40 + b"1" + b"}" * 40, JSON),
    "bottomless": (b"[" * 200_000, JSON),
    "not UTF-8": (b"\xff\xfe", JSON),
    "huge": (json.dumps({"a": "b" * 300_000}).encode(), JSON),
    "a form": (b"a=b", "application/x-www-form-urlencoded"),
    "XML": (b"<a/>", "application/xml"),
    "of no type": (b"{}", "nonsense"),
}
QUERIES: Final = ("\x00", "\ud800", "x" * 5000, "\uff15", "' OR 1=1 --", "5.0", "")
HEADERS: Final = {
    "Idempotency-Key": ("", " ", "\xe9", "k" * 300, "a b"),
    "Last-Event-ID": ("x", "-1", "9" * 40),
    "Stripe-Signature": ("", "t=1", "t=1,v1=\xe9", "x" * 5000),
    "Authorization": ("Token", "Token \xe9", "Token a b", "Bearer x", "Token " + "x" * 5000),
    "Accept": ("text/html", "image/*"),
}
STORES: Final = ("INSERT", "UPDATE", "WITH")
ROLES: Final = {"crm_": "agent", "sagas_": "operator"}


def send(cast: people.Cast, operation: document.Operation, **changes: Any) -> tuple[Any, list[str]]:
    """Send a request that is right but for the changes; return the answer and the statements that write."""
    role = next((ROLES[name] for name in ROLES if operation.id.startswith(name)), "traveller")
    # A client that is signed in sends its own token, whatever else is said.
    client = APIClient() if "Authorization" in changes.get("headers", {}) else cast.roles[role]
    right = cast.body(operation.id)
    body = changes.get("body", json.dumps(right).encode() if right is not None else b"")
    signed = json.loads(body) if "body" not in changes and right is not None else None
    query = urlencode(
        {**people.queries_for(operation.id), **changes.get("query", {})},
        errors="surrogatepass",
    )
    address = operation.at(**{**cast.parts("ada's"), **changes.get("parts", {})})
    with CaptureQueriesContext(connection) as statements, transaction.atomic():
        answer = client.generic(
            operation.method.upper(),
            f"{address}?{query}",
            body,
            content_type=changes.get("content_type", JSON),
            headers={**people.headers_for(operation.id, signed), **changes.get("headers", {})},
        )
        transaction.set_rollback(True)
    asked = [one["sql"] for one in statements.captured_queries]
    # Counting requests is no storing of what they say.
    return answer, [sql for sql in asked if sql.startswith(STORES) and "identity_tally" not in sql]


def faults(answer: Any, written: list[str]) -> str:
    """Say what is wrong with an answer to strange input; "" for nothing."""
    if not 400 <= answer.status_code < 500:
        return f"answered {answer.status_code}"
    if answer.headers["Content-Type"] != "application/problem+json" or "code" not in answer.json():
        return "no problem document"
    return f"wrote {written}" if written else ""


def judge(capsys: Any, what: str, found: list[tuple[str, str]]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{len(found)} requests with a strange {what}\n")
    assert "\n".join(f"{case} {fault}" for case, fault in found if fault) == ""


def test_a_strange_body_is_refused_by_every_operation(cast: people.Cast, capsys: Any) -> None:
    found = [
        (f"{operation.id}: {name}", faults(*send(cast, operation, body=body, content_type=kind)))
        for operation in document.operations()
        for name, (body, kind) in BODIES.items()
    ]

    judge(capsys, "body", found)
    assert len(found) > 500


def test_a_strange_query_is_refused_wherever_one_is_read(cast: people.Cast, capsys: Any) -> None:
    # Bytes that are no UTF-8 arrive as replacement characters, which a text may have.
    free = {"search": {"\ud800", "\uff15", "' OR 1=1 --", "5.0", ""}}

    found = [
        (
            f"{operation.id}: {name}={text!r}"[:60],
            faults(*send(cast, operation, query={name: text})),
        )
        for operation in document.operations()
        for name in operation.parameters("query")
        for text in QUERIES
        if text not in free.get(name, ())
    ]

    judge(capsys, "query", found)


def test_a_strange_header_is_refused_wherever_one_is_read(cast: people.Cast, capsys: Any) -> None:
    found = [
        (
            f"{operation.id}: {name}: {text!r}"[:60],
            faults(*send(cast, operation, headers={name: text})),
        )
        for operation in document.operations()
        for name, texts in HEADERS.items()
        if name in (*operation.parameters("header"), "Accept", *operation.authenticated)
        for text in texts
    ]

    judge(capsys, "header", found)


def test_a_strange_address_is_refused(cast: people.Cast, capsys: Any) -> None:
    found = [
        (f"{operation.id}: {text!r}"[:60], faults(*send(cast, operation, parts={part: text})))
        for operation in document.operations()
        for part in operation.parameters("path")
        for text in ("%00", "%ff", "..", "1", "x" * 5000, "%ed%a0%80", "' OR 1=1 --")
    ]

    judge(capsys, "address", found)


def test_members_that_nobody_may_set_are_set_by_nobody(cast: people.Cast) -> None:
    """Send every member of the answers, with values that would matter, beside those that are asked for."""
    names = {
        name
        for schema in document.read()["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    forced = dict.fromkeys(names, "forced")
    traveller = cast.roles["traveller"]

    trip = traveller.post(
        "/api/v1/reservations", {**forced, **cast.ada.trip(cast.offer)}, format="json"
    ).json()
    account = traveller.post(
        "/api/v1/accounts", {**forced, **people.NEW, "locale": "en"}, format="json"
    ).json()

    assert "forced" not in json.dumps([trip, account])
    assert (trip["status"], trip["amount"]) == ("draft", cast.offer["amount"])
    assert len(names) > 80

"""What a client sends beside what is asked for changes nothing: no member is taken because a column has its name."""

import json
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import connection, transaction

from identity.models import User
from tests.integration.api import cast as people
from tests.integration.api import document

pytestmark = pytest.mark.django_db

TEXT: Final = "assigned-by-the-client"
VALUES: Final[dict[str, Any]] = {
    "BooleanField": True,
    "JSONField": {"assigned": TEXT},
    "DateTimeField": "2001-02-03T04:05:06Z",
    "DateField": "2001-02-03",
    "UUIDField": "00000000-0000-4000-8000-00000a551611",
    "DecimalField": "77777.77",
    "AmountField": "77777.77",
    "IntegerField": 7_777_777,
    "PositiveIntegerField": 7_777_777,
    "BigIntegerField": 7_777_777,
}
TRACES: Final = (TEXT, "00000a551611", "77777.77", "7777777", "2001-02-03")
SUPERUSERS: Final = "[{'email': 'operator@example.com'}]"
ROLES: Final = {"crm_": "agent", "sagas_": "operator"}


def columns() -> dict[str, Any]:
    """Return a value for everything that any of our rows has."""
    ours = [model for model in apps.get_models() if not model.__module__.startswith("django.")]
    fields = [field for model in ours for field in model._meta.concrete_fields]
    return {
        name: VALUES.get(field.get_internal_type(), VALUES.get(type(field).__name__, TEXT))
        for field in fields
        for name in {field.name, field.attname}
    }


def asked_for(operation: document.Operation, schemas: dict[str, Any]) -> set[str]:
    """Return the members that the document describes."""
    if not operation.has_body:
        return set()
    schema = operation.described["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return set(schemas.get(name, {}).get("properties", {}))


def send(cast: people.Cast, operation: document.Operation, more: dict[str, Any]) -> tuple[int, str]:
    """Send a right request with more in it than was asked for; return the status and all rows as text."""
    role = next((ROLES[name] for name in ROLES if operation.id.startswith(name)), "traveller")
    right = cast.body(operation.id) or {}
    body = {**more, **right}
    with transaction.atomic():
        answer = cast.roles[role].generic(
            operation.method.upper(),
            operation.at(**cast.parts("ada's")),
            json.dumps(body),
            content_type="application/json",
            headers=people.headers_for(operation.id, body),
        )
        rows = stored() + str(list(User.objects.filter(is_superuser=True).values("email")))
        transaction.set_rollback(True)
    return answer.status_code, rows


def stored() -> str:
    """Return every row but what the card processor said, which is kept as it came."""
    tables = [
        model._meta.db_table
        for model in apps.get_models()
        if not model.__module__.startswith("django.")
        and model._meta.db_table != "payments_webhookdelivery"
    ]
    with connection.cursor() as cursor:
        parts = []
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ''), '') FROM \"{table}\" t")
            parts.append(cursor.fetchone()[0])
    return "".join(parts)


def test_no_operation_takes_what_it_did_not_ask_for(cast: people.Cast) -> None:
    more, schemas = columns(), document.read()["components"]["schemas"]
    writes = [one for one in document.operations() if one.method in {"post", "put"}]

    wrong = {}
    for operation in writes:
        asked = asked_for(operation, schemas)
        beside = {name: value for name, value in more.items() if name not in asked}
        status, rows = send(cast, operation, beside)
        found = [trace for trace in TRACES if trace in rows]
        if found or not 200 <= status < 300 or not rows.endswith(SUPERUSERS):
            wrong[operation.id] = (status, found, rows[-100:])

    assert wrong == {}
    assert len(more) > 150
    assert len(writes) > 15
    assert {"is_superuser", "is_staff", "status", "account_id", "captured_amount"} <= set(more)

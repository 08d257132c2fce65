"""Who may do what: every operation of the document, by everybody, with one's own and with others' objects."""

import json
import re
import sys
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.db import transaction
from django.urls import URLResolver, get_resolver

from tests.integration.api import cast as people
from tests.integration.api import document
from tests.integration.booking.hanging_up import hang_up

pytestmark = pytest.mark.django_db

TRAVELLERS: Final = {"traveller", "other traveller"}
AGENTS: Final = {"agent", "other agent"}
READERS: Final = AGENTS | {"read-only agent"}
STAFF: Final = READERS | {"staff of no provider", "operator"}
SIGNED_IN: Final = TRAVELLERS | STAFF
ALL: Final = SIGNED_IN | {"anonymous"}

MAY: Final[dict[str, set[str]]] = {
    "accounts_create": ALL,
    "accounts_verify": ALL,
    "accounts_verify_resend": ALL,
    "accounts_password_reset": ALL,
    "accounts_password_reset_confirm": ALL,
    "tokens_create": ALL,
    "problems_list": ALL,
    "problems_read": ALL,
    "webhooks_cards": ALL,  # the signature is what counts
    "tokens_list": SIGNED_IN,
    "tokens_revoke": SIGNED_IN,
    "tokens_revoke_all": SIGNED_IN,
    "crm_providers_list": SIGNED_IN,  # one's own memberships, of which there may be none
    "accounts_me": TRAVELLERS,
    "accounts_export": TRAVELLERS,
    "accounts_erase": TRAVELLERS,
    "offers_search": TRAVELLERS,
    "offers_quote": TRAVELLERS,
    "reservations_compose": TRAVELLERS,
    "reservations_list": TRAVELLERS,
    "reservations_read": TRAVELLERS,
    "reservations_timeline": TRAVELLERS,
    "reservations_events": TRAVELLERS,
    "reservations_payment": TRAVELLERS,
    "reservations_change_travellers": TRAVELLERS,
    "reservations_enter_payment_details": TRAVELLERS,
    "reservations_confirm": TRAVELLERS,
    "reservations_cancel": TRAVELLERS,
    "crm_customers_list": READERS,
    "crm_customers_get": READERS,
    "crm_timeline_list": READERS,
    "crm_preferences_get": READERS,
    "crm_notes_list": READERS,
    "crm_messages_list": READERS,
    "crm_preferences_put": AGENTS,
    "crm_notes_create": AGENTS,
    "crm_messages_create": AGENTS,
    "sagas_parked": {"operator"},
}
ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def expected(operation: document.Operation, role: str, whose: str) -> str:
    """Return what the role is to be told: a class of status, or the exact one of a refusal."""
    if role not in MAY[operation.id]:
        return "401" if role == "anonymous" else "403"
    for part, owners in people.OWNERS.items():
        if part in operation.path and role not in owners[whose]:
            return "404"
    return "2xx"


def ask(cast: people.Cast, operation: document.Operation, role: str, whose: str) -> Any:
    """Send a request that is right in all but who sends it, and take back what it did."""
    body = cast.body(operation.id)
    query = urlencode(people.queries_for(operation.id))
    with transaction.atomic():
        answer = cast.roles[role].generic(
            operation.method.upper(),
            f"{operation.at(**cast.parts(whose))}?{query}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers=people.headers_for(operation.id, body),
        )
        transaction.set_rollback(True)
    hang_up(answer)
    return answer


def told(answer: Any) -> str:
    """Return the status, all successes as one."""
    return "2xx" if 200 <= answer.status_code < 300 else str(answer.status_code)


def test_everybody_may_do_what_the_table_says_and_nothing_else(
    cast: people.Cast, capsys: Any
) -> None:
    cells = [
        (operation, role, whose)
        for operation in document.operations()
        for role in cast.roles
        for whose in (people.OBJECTS if "{" in operation.path else people.OBJECTS[:1])
    ]

    wrong = [
        f"{operation.id} by {role}, {whose}: {told(answer)} {answer.content[:200]!r}"
        for operation, role, whose in cells
        if told(answer := ask(cast, operation, role, whose)) != expected(operation, role, whose)
    ]

    with capsys.disabled():
        sys.stdout.write(f"\n{len(cells)} cells of operation, role and ownership\n")
    assert wrong == []
    assert len(cells) > 500


def test_the_table_names_exactly_the_operations_of_the_document() -> None:
    assert {operation.id for operation in document.operations()} == set(MAY)


def test_somebody_else_s_object_answers_as_one_that_does_not_exist(cast: people.Cast) -> None:
    owned = [
        operation
        for operation in document.operations()
        if any(part in operation.path for part in people.OWNERS)
    ]

    for operation in owned:
        for role in MAY[operation.id] & {"traveller", "agent"}:
            foreign, missing = (
                ask(cast, operation, role, whose) for whose in ("eve's", "nobody's")
            )
            assert _without_ids(foreign) == _without_ids(missing), operation.id
    assert len(owned) >= 15


def _without_ids(answer: Any) -> dict[str, Any]:
    document = answer.json()
    shown = {name: document[name] for name in ("type", "title", "status", "code", "detail")}
    shown["detail"] = ID.sub("…", shown["detail"])
    return shown


def test_every_address_under_the_api_is_in_the_document() -> None:
    described = set(document.read()["paths"])
    beside = {"openapi.json", "docs", "redoc", "crm/unsubscribe/{token}"}

    served = {route for route in _routes(get_resolver().url_patterns) if "/api/v1/" in route}

    assert served - described == {f"/api/v1/{page}" for page in beside}


def _routes(patterns: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, route)
        else:
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", simplify_regex(route)))
    return found

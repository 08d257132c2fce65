"""One request, one trace: from the HTTP request through the log to CRM's handler."""

import pytest
from rest_framework.test import APIClient

from crm.commands import projections
from eventbus import context, testing
from eventbus.models import OutboxEntry

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SIGN_UP = {
    "email": "ada@example.com",
    "password": "correct horse battery",
    "full_name": "Ada Lovelace",
    "locale": "en",
}


@pytest.fixture
def heard(monkeypatch) -> list[context.Context]:
    """The circumstances under which CRM's handler ran."""
    seen: list[context.Context] = []
    monkeypatch.setattr(projections, "register_profile", lambda **_: seen.append(context.current()))
    return seen


@pytest.mark.django_db
def test_request_id_and_trace_of_a_request_arrive_at_the_handler_in_crm(heard):
    headers = {"X-Request-ID": "req-42", "traceparent": f"00-{TRACE}-{SPAN}-01"}

    answer = APIClient().post("/api/v1/accounts", SIGN_UP, format="json", headers=headers)
    testing.deliver()

    assert answer.status_code == 201, answer.content
    entry = OutboxEntry.objects.get(type="booking.account_registered.v1")
    (circumstances,) = heard
    assert (
        answer["X-Request-ID"] == entry.correlation_id == circumstances.correlation_id == "req-42"
    )
    assert circumstances.causation_id == entry.event_id
    spans = [text.split("-") for text in (entry.traceparent, circumstances.traceparent)]
    assert [trace for _, trace, _, _ in spans] == [TRACE, TRACE]
    assert len({SPAN, *(span for _, _, span, _ in spans)}) == 3

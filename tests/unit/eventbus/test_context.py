"""Correlation: from the request to everything that it leads to."""

import uuid

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from eventbus import context
from eventbus.middleware import CorrelationMiddleware

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def handled(**headers: str) -> tuple[HttpResponse, context.Context]:
    seen = []

    def view(request):
        seen.append(context.current())
        return HttpResponse()

    response = CorrelationMiddleware(view)(RequestFactory().get("/", headers=headers))
    return response, seen[0]


def test_a_request_keeps_its_id_and_its_trace():
    response, during = handled(**{"X-Request-ID": "req-1", "traceparent": TRACE})

    assert response["X-Request-ID"] == during.correlation_id == "req-1"
    assert during.traceparent is not None
    assert during.traceparent.split("-")[1] == TRACE.split("-")[1]
    assert during.traceparent != TRACE


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "evil\nheader", "é"])
def test_a_malformed_request_id_is_replaced(bad):
    response, _ = handled(**({"X-Request-ID": bad} if bad else {}))

    assert uuid.UUID(response["X-Request-ID"])


@pytest.mark.parametrize(
    "bad", ["", "00-zz-1-01", TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32)]
)
def test_a_malformed_trace_begins_a_new_one(bad):
    assert context.TRACEPARENT.fullmatch(context.child_traceparent(bad))


def test_nothing_is_left_behind_after_the_request():
    handled(**{"X-Request-ID": "req-1"})

    assert context.current() == context.Context()


def test_an_inner_block_keeps_what_it_does_not_change():
    with context.correlated(correlation_id="outer", actor="ada"):
        with context.correlated(causation_id=uuid.UUID(int=1)) as inner:
            pass
        after = context.current()

    assert (inner.correlation_id, inner.actor, inner.causation_id) == (
        "outer",
        "ada",
        uuid.UUID(int=1),
    )
    assert after.causation_id is None

"""A16: an operator retries, resolves with evidence, or accepts the loss: the saga ends, the audit says who and why."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.flows.conftest import ONCE, Story

OLGA = "olga@example.com"


def _begun(story: Story, **products: str) -> str:
    reservation = story.api.compose(**products)
    story.api.pay_with(reservation, "pm_card_visa")
    story.api.confirm(reservation).raise_for_status()
    return reservation


def _audit(story: Story, reservation: str, kind: str) -> Mapping[str, Any]:
    [entry] = [e for e in story.saga("show", reservation)["timeline"] if e["kind"] == kind]
    return entry


def test_a_retry_ends_what_a_partner_refused_before(story: Story) -> None:
    reservation = _begun(story, flight="cancel-refused-once", stay="sold-out-late")
    saga = story.parked(reservation)["progress"]["saga_id"]

    story.saga("retry", saga, "--actor", OLGA, "--reason", "they agreed by telephone")

    found = story.api.until_final(reservation)
    audit = _audit(story, reservation, "retried")
    assert (found["status"], found["progress"]["reason"]) == ("failed", "sold_out")
    assert story.orders(reservation) == {"skyways": ["cancelled"]}
    assert (audit["actor"], audit["detail"]) == (OLGA, {"reason": "they agreed by telephone"})
    story.check(reservation)


@ONCE
def test_a_loss_that_is_accepted_ends_the_saga_and_keeps_who_bears_it(story: Story) -> None:
    reservation = _begun(story, flight="cancel-refused", stay="sold-out-late")
    page = story.parked(reservation)
    flight = page["items"][0]["id"]

    story.saga(
        "resolve", page["progress"]["saga_id"], "--step", "book", "--item", flight,
        "--as", "accepted", "--actor", OLGA, "--evidence", "invoice 4711",
    )  # fmt: skip

    found = story.api.until_final(reservation)
    audit = _audit(story, reservation, "resolved")
    assert (found["status"], found["progress"]["reason"]) == ("failed", "sold_out")
    assert story.orders(reservation) == {"skyways": ["confirmed"]}
    assert story.intents(reservation) == ["canceled"]
    assert (audit["actor"], audit["item"]) == (OLGA, flight)
    assert audit["detail"] == {"outcome": "accepted", "evidence": "invoice 4711"}
    assert _audit(story, reservation, "failed")["detail"]["accepted"] == [f"book {flight}"]
    assert "settled by a colleague" in story.api.timeline(reservation)[-1]["text"]


@ONCE
@pytest.mark.parametrize(("when", "outcome"), [("after", "done"), ("before", "accepted")])
def test_a_booking_that_nobody_can_ask_about_is_settled_with_evidence(
    story: Story, when: str, outcome: str
) -> None:
    reservation = _begun(story, flight="standard", car=f"dialacar:timeout-{when}")
    page = story.parked(reservation)
    told = [
        {"order_id": order["id"], "confirmation_code": order["confirmation_code"]}
        for order in story.ledger(reservation)["orders"]
        if order["partner"] == "dialacar"
    ]

    story.saga(
        "resolve", page["progress"]["saga_id"], "--step", "book", "--item", page["items"][1]["id"],
        "--as", outcome, "--answer", json.dumps(told[0] if told else {}), "--actor", OLGA, "--evidence", "called them",
    )  # fmt: skip

    found = story.api.until_final(reservation)
    assert found["status"] == {"done": "confirmed", "accepted": "failed"}[outcome]
    assert len(story.orders(reservation).get("dialacar", [])) == len(told)
    assert _audit(story, reservation, "resolved")["actor"] == OLGA
    story.check(reservation)

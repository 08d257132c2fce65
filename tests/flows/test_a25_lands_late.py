"""A25: what lands after the end, a payment or a leg, is found by the reconciler and taken back."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.flows.conftest import ONCE, Story
from tests.patience import until

REST = 7.0
"""Seconds after which a saga's end is no longer young: the lease and the quiet period, and one more."""


def _land(story: Story) -> int:
    """Let everything that was to land much later land now; return how much it was."""
    answer = httpx.post(f"{story.stack.urls['sandbox']}/control/land", timeout=30)
    return int(answer.raise_for_status().json()["landed"])


def _audit(story: Story, reservation: str, *words: str) -> list[dict[str, Any]]:
    """Return what `saga audit` finds about a reservation."""
    done = story.stack.manage("saga", "audit", "--json", *words, check=False)
    found = json.loads(done.stdout)["discrepancies"]
    assert (done.returncode == 0) <= (found == [])
    return [one for one in found if one["reservation_id"] == reservation]


def _taken_back(story: Story, reservation: str, kind: str) -> None:
    """Let the reconciler find one thing and take it back; afterwards all books agree."""
    time.sleep(REST)
    assert [one["kind"] for one in _audit(story, reservation, "--heal")] == [kind]
    until(
        lambda: (
            (progress := story.api.get(reservation)["progress"])["name"] == "take-back"
            and progress["finished_at"]
        ),
        what="taking it back",
    )
    time.sleep(REST)
    assert _audit(story, reservation) == []


def test_a_payment_that_lands_after_the_reservation_expired_is_refunded(story: Story) -> None:
    reservation = story.api.compose(flight="expires-shortly", stay="standard")
    story.api.pay_with(reservation, "pm_card_captured_much_later")
    story.outage("restwell", "hang")
    try:
        story.api.confirm(reservation).raise_for_status()
        until(lambda: story.api.get(reservation)["progress"]["reason"], what="the deadline")
    finally:
        story.outage("restwell", "ok")
    found = story.api.until_final(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "deadline_passed")

    _land(story)
    assert story.intents(reservation) == ["succeeded"]
    _taken_back(story, reservation, "CAPTURED_WITHOUT_CONFIRMED")

    ledger = story.ledger(reservation)
    [capture], [refund] = ledger["captures"], ledger["refunds"]
    assert refund["amount"] == capture["amount"]
    assert story.api.get(reservation)["payment"]["status"] == "refunded"
    assert story.events(reservation, "payments.")[-2:] == [
        "payments.captured.v1",
        "payments.refunded.v1",
    ]
    story.check(reservation)


@ONCE
@pytest.mark.parametrize(
    ("partner", "trip"),
    [
        ("budgetair", {"flight": "budgetair:books-much-later", "stay": "sold-out"}),
        ("oldinn", {"stay": "oldinn:books-much-later", "flight": "sold-out"}),
    ],
)
def test_a_leg_that_lands_after_the_end_is_cancelled(
    story: Story, partner: str, trip: dict[str, str]
) -> None:
    reservation = story.api.book(**trip)
    assert story.api.get(reservation)["status"] == "failed"

    _land(story)
    assert story.orders(reservation) == {partner: ["confirmed"]}
    _taken_back(story, reservation, "ORPHAN_AT_PARTNER")

    assert story.orders(reservation) == {partner: ["cancelled"]}
    story.check(reservation)


@ONCE
def test_a_second_order_of_a_partner_without_keys_is_cancelled_and_the_trip_stands(
    story: Story,
) -> None:
    reservation = story.api.book(stay="oldinn:books-much-later")
    assert story.api.get(reservation)["status"] == "confirmed"

    _land(story)
    _taken_back(story, reservation, "DOUBLE")

    assert sorted(story.orders(reservation)["oldinn"]) == ["cancelled", "confirmed"]
    assert story.api.get(reservation)["status"] == "confirmed"
    story.check(reservation)

"""The judge of a chaos run has teeth: each rule sees the very thing that it is there for."""

import dataclasses

import pytest

from tests.chaos import invariants
from tests.chaos.sample import AT, PROVIDER, TRIP, Sample


def broken(sample):
    """Return the names of the rules that are broken."""
    return {name for name, found in invariants.violations(sample.books()).items() if found}


@pytest.fixture
def sample():
    return Sample()


def test_where_all_is_well_nothing_is_broken(sample):
    assert broken(sample) == set()


def cancelled(sample):
    sample.tables["reservations"][0]["status"] = "cancelled"


def no_capture(sample):
    sample.ledger["payment_intents"][0] |= {"status": "canceled", "amount_received": 0}
    sample.ledger["captures"].clear()


def captured_twice(sample):
    another = {**sample.ledger["payment_intents"][0], "id": "pi-2"}
    sample.ledger["payment_intents"].append(another)
    sample.ledger["captures"].append({"payment_intent": "pi-2", "amount": 9050})


def booked_twice(sample):
    again = {**sample.ledger["orders"][0], "confirmation_code": "DEF"}
    sample.ledger["orders"].append(again)


def failed_but_booked(sample):
    sample.tables["reservations"][0]["status"] = "failed"


def authorised_still(sample):
    failed_but_booked(sample)
    sample.ledger["payment_intents"][0]["status"] = "requires_capture"


def saga_lives(sample):
    sample.tables["sagas"][0] |= {"state": "running", "finished_at": None}


def parked_without_a_reason(sample):
    sample.tables["sagas"][0] |= {
        "state": "running",
        "finished_at": None,
        "attention_reason": " ",
    }


def call_in_the_air(sample):
    sample.tables["claimed"].append({"id": 1, "saga_id": "saga-1", "step": "book", "item": ""})


def confirmed_twice(sample):
    sample.event("reservation.confirmed", **sample.tables["log"][3]["data"])


def never_told(sample):
    sample.tables["log"].pop()


def order_unknown_to_us(sample):
    sample.tables["orders"][0]["status"] = "cancelled"


def cents_missing(sample):
    sample.ledger["captures"][0]["amount"] = 9049


def refund_unknown_to_us(sample):
    sample.ledger["refunds"].append({"payment_intent": "pi-1", "amount": 100})


def reservation_lost(sample):
    for table in ("reservations", "sagas", "orders", "payments"):
        sample.tables[table].clear()


def another_price(sample):
    receipt = sample.receipts[0]
    body = receipt.body | {"amount": "90.00"}
    sample.receipts[0] = dataclasses.replace(receipt, body=body)


def another_card(sample):
    sample.tables["payments"][0]["method"] = "pm_card_mastercard"


def confirmation_forgotten(sample):
    sample.tables["sagas"].clear()


def cancelled_for_nothing(sample):
    sample.receipts.append(dataclasses.replace(sample.receipts[2], command="cancel", key="key-3"))


def another_answer(sample):
    sample.receipts[3] = dataclasses.replace(sample.receipts[3], status=200)


def made_twice(sample):
    receipt = sample.receipts[0]
    sample.receipts.append(dataclasses.replace(receipt, reservation_id="trip-2"))


def crm_missed(sample):
    sample.tables["crm_relationships"][0]["confirmed_trips"] = 0


def crm_doubled(sample):
    sample.tables["crm_messages"] *= 2


def crm_without_a_source(sample):
    sample.tables["crm_entries"].append({"source_event_id": "event-9", "provider_id": PROVIDER})


def never_applied(sample):
    sample.tables["inbox"].pop()


def applied_twice(sample):
    sample.tables["inbox"].append(dict(sample.tables["inbox"][0]))


def dead_letter(sample):
    sample.tables["inbox"][0]["status"] = "dead"


def unnumbered(sample):
    sample.tables["log"][0]["position"] = None


SPOILT = {
    no_capture: "money kept if and only if confirmed",
    captured_twice: "at most one capture",
    booked_twice: "every leg booked exactly once if confirmed",
    failed_but_booked: "no partner booking without a confirmed reservation",
    authorised_still: "no authorisation left on the card",
    saga_lives: "the saga is over or parked with a reason",
    parked_without_a_reason: "every saga is final or parked with a reason",
    call_in_the_air: "every saga is final or parked with a reason",
    cancelled: "a reservation is what its last flow made of it",
    confirmed_twice: "exactly one final event for each end",
    never_told: "exactly one final event for each end",
    order_unknown_to_us: "our orders are the partners'",
    cents_missing: "our money is the processor's",
    refund_unknown_to_us: "our money is the processor's",
    reservation_lost: "every 2xx is durable",
    another_price: "every 2xx is durable",
    another_card: "every 2xx is durable",
    confirmation_forgotten: "every 2xx is durable",
    cancelled_for_nothing: "every 2xx is durable",
    another_answer: "the same key, the same answer",
    made_twice: "the same key, the same answer",
    crm_missed: "CRM is the fold of the log",
    crm_doubled: "CRM is the fold of the log",
    crm_without_a_source: "CRM is the fold of the log",
    never_applied: "every event is applied once",
    applied_twice: "every event is applied once",
    dead_letter: "every event is applied once",
    unnumbered: "every event is applied once",
}


@pytest.mark.parametrize(
    ("spoil", "rule"), SPOILT.items(), ids=lambda v: getattr(v, "__name__", "")
)
def test_what_is_spoilt_is_seen(sample, spoil, rule):
    spoil(sample)

    assert rule in broken(sample)


def test_one_leg_booked_twice_and_two_captures_are_seen_even_while_a_person_is_asked(sample):
    saga_lives(sample)
    sample.tables["sagas"][0]["attention_reason"] = "half done"
    booked_twice(sample)
    captured_twice(sample)

    assert broken(sample) >= {
        "at most one capture",
        "no leg was ever booked twice",
        "no reservation is charged twice",
    }


def test_what_a_person_has_to_settle_breaks_nothing(sample):
    sample.tables["reservations"][0]["status"] = "cancelling"
    sample.tables["sagas"].append(
        {
            **sample.tables["sagas"][0],
            "id": "saga-2",
            "name": "cancel-reservation",
            "state": "pivoting",
            "finished_at": None,
            "attention_reason": "half done: cancel leg-1 (cancel_refused)",
        }
    )

    assert broken(sample) == set()


def test_what_the_reconciler_takes_back_is_no_end_of_the_trip(sample):
    saga = sample.tables["sagas"][0]
    sample.tables["sagas"].append({**saga, "id": "saga-2", "name": "take-back"})

    assert broken(sample) == set()


def test_a_trip_that_a_partner_does_not_let_go_stands(sample):
    cancelled_for_nothing(sample)
    sample.tables["sagas"].append(
        {
            **sample.tables["sagas"][0],
            "id": "saga-2",
            "name": "cancel-reservation",
            "state": "failed",
        }
    )

    assert broken(sample) == set()


def test_a_cancelled_trip_is_known_to_crm_as_cancelled(sample):
    sample.event(
        "reservation.cancelled",
        account_id=sample.tables["reservations"][0]["account_id"],
        cancelled_at=AT.isoformat(),
        provider_ids=[PROVIDER],
    )

    found = invariants.violations(sample.books())["CRM is the fold of the log"]

    assert any("cancelled" in text and TRIP in text for text in found)


def test_every_rule_has_been_seen_to_be_broken():
    assert set(SPOILT.values()) | {
        "no leg was ever booked twice",
        "no reservation is charged twice",
    } == {*invariants.JUDGED, *invariants.RULES}

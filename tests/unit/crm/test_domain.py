"""The rules of CRM, by table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from crm import domain

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AIRLINE, HOTEL = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("purpose", "word", "reason"),
    [
        ("transactional", None, None),
        ("transactional", False, None),
        ("service", None, None),
        ("service", True, None),
        ("service", False, "consent_withdrawn"),
        ("marketing", None, "no_consent"),
        ("marketing", True, None),
        ("marketing", False, "consent_withdrawn"),
    ],
)
def test_only_transactional_messages_need_nobody_s_word(purpose, word, reason):
    assert domain.suppression_of(purpose=purpose, word=word) == reason


@pytest.mark.parametrize(
    ("status", "minutes", "known", "wins"),
    [
        ("failed", 0, "open", True),
        ("confirmed", 1, "failed", True),
        ("failed", -1, "confirmed", False),
        ("cancelled", 0, "confirmed", True),
        ("confirmed", 0, "cancelled", False),
        ("confirmed", 0, "confirmed", False),
    ],
)
def test_the_later_status_wins_and_of_one_instant_the_further_one(status, minutes, known, wins):
    at = NOON + timedelta(minutes=minutes)

    assert domain.supersedes(status=status, at=at, known=known, known_at=NOON) is wins


def test_any_status_supersedes_silence():
    assert domain.supersedes(status="failed", at=NOON, known="open", known_at=None)


def test_waits_grow_to_an_hour_and_end_after_eight_attempts():
    waits = [domain.retry_wait(attempts=n) for n in range(1, 9)]

    assert waits[0] == timedelta(seconds=30)
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits[:-1]) <= timedelta(hours=1)
    assert waits[-1] is None


def test_a_provider_with_two_legs_is_thanked_for_both_and_hears_nothing_of_the_others():
    legs = [
        SimpleNamespace(
            provider_id=p, title=t, amount=Decimal(a), starts_at_local="2026-05-01T10:00"
        )
        for p, t, a in [
            (AIRLINE, "LHR-JFK", "300"),
            (HOTEL, "Plaza", "200"),
            (AIRLINE, "JFK-LHR", "310"),
        ]
    ]

    subject, body = domain.thanks(legs, AIRLINE, "EUR")

    assert domain.price_by_provider(legs) == {AIRLINE: Decimal("610"), HOTEL: Decimal("200")}
    assert subject == "Confirmed: LHR-JFK, JFK-LHR"
    assert "300 EUR" in body
    assert "Plaza" not in body


def test_a_subject_stays_on_one_line():
    assert (
        domain.one_line("Hello\r\nBcc: everybody@example.com", 200)
        == "Hello Bcc: everybody@example.com"
    )
    assert len(domain.one_line("x" * 900)) == domain.SUMMARY_LENGTH

"""What replaces a personal field when it is erased: a value that says nothing and still fits the type."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
import pytest

from eventbus import events, sensitive
from eventbus.events import Event, EventMisdeclared, Sensitive, event


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Somebody who comes along."""

    name: Sensitive[str]
    seat: str


@dataclass(frozen=True, kw_only=True)
class Party:
    """All the types that can be erased."""

    name: Sensitive[str]
    age: Sensitive[int]
    spent: Sensitive[Decimal]
    born_on: Sensitive[date | None]
    note: Sensitive[str] | None
    phones: Sensitive[tuple[str, ...]]
    guests: tuple[Guest, ...]
    host: Guest


def test_every_personal_field_is_replaced_and_the_rest_stays():
    party = {
        "name": "Ada",
        "age": 36,
        "spent": "12.50",
        "born_on": "1815-12-10",
        "note": "vegetarian",
        "phones": ["1", "2"],
        "guests": [{"name": "Bob", "seat": "2A"}, {"name": "Eve", "seat": "2B"}],
        "host": {"name": "Ada", "seat": "1A"},
    }

    erased = sensitive.overwritten(party, sensitive.blanks_of(Party))

    assert erased == {
        "name": "erased",
        "age": 0,
        "spent": "0",
        "born_on": None,
        "note": "erased",
        "phones": [],
        "guests": [{"name": "erased", "seat": "2A"}, {"name": "erased", "seat": "2B"}],
        "host": {"name": "erased", "seat": "1A"},
    }
    assert msgspec.convert(erased, Party).host.seat == "1A"


def test_what_is_absent_stays_absent():
    assert sensitive.overwritten({"note": None}, sensitive.blanks_of(Party)) == {"note": None}


@pytest.mark.parametrize("kind", [date, UUID, Literal["a", "b"], tuple[str, int], Guest])
def test_a_personal_field_that_could_not_be_erased_is_refused_when_it_is_declared(registries, kind):
    with pytest.raises(EventMisdeclared, match="no value that says nothing"):

        @event("tests.made.v1", key="thing_id")
        class Made(Event):
            """Something was made."""

            thing_id: UUID
            secret: Sensitive[kind]

    assert "tests.made" not in events.TYPES

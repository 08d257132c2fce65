"""Events: declared once, validated on both sides, readable in every version."""

from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from eventbus import events
from eventbus.events import Event, Sensitive, event, upcast

pytestmark = pytest.mark.usefixtures("registries")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a thing."""

    amount: Decimal
    owner: Sensitive[str]


def declare(wire_name: str = "tests.made.v1", key: str = "thing_id") -> type[Event]:
    @event(wire_name, key=key)
    class Made(Event):
        """A thing was made."""

        thing_id: UUID
        amount: Decimal
        made_at: datetime
        maker: Sensitive[str]
        parts: tuple[Part, ...] = ()
        note: Sensitive[str] | None = None

    return Made


def made(**changes: object) -> Event:
    values = {
        "thing_id": uuid4(),
        "amount": Decimal("10.50"),
        "made_at": datetime(2026, 5, 1, 12, tzinfo=UTC),
        "maker": "Ada",
        "parts": (Part(amount=Decimal("1.00"), owner="Bob"),),
    }
    return declare()(**(values | changes))


def test_an_event_survives_the_wire_unchanged():
    original = made()

    assert events.decode("tests.made.v1", original.to_dict()) == original


def test_money_travels_as_text():
    assert made().to_dict()["amount"] == "10.50"


def test_an_event_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        made().amount = Decimal(0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong",
    [
        {"thing_id": "not an id"},
        {"amount": 10.5},
        {"amount": "10.50"},
        {"made_at": datetime(2026, 5, 1, 12)},
        {"maker": None},
        {"maker": "A\0da"},
        {"parts": [1]},
        {"maker": object()},
    ],
)
def test_a_wrong_field_is_refused_by_the_publisher(wrong):
    with pytest.raises(events.EventInvalid):
        made(**wrong).to_dict()


@pytest.mark.parametrize("wrong", [{"amount": "ten"}, {"thing_id": None}, {"made_at": "yesterday"}])
def test_a_wrong_field_is_refused_by_the_listener(wrong):
    data = made().to_dict() | wrong

    with pytest.raises(events.EventInvalid):
        events.decode("tests.made.v1", data)


def test_a_missing_field_is_refused_and_an_unknown_one_ignored():
    data = made().to_dict()

    assert events.decode("tests.made.v1", data | {"colour": "red"})
    del data["maker"]
    with pytest.raises(events.EventInvalid):
        events.decode("tests.made.v1", data)


def test_personal_fields_do_not_show_in_logs():
    shown = repr(made(note="call me"))

    assert "10.50" in shown
    for secret in ("Ada", "Bob", "call me"):
        assert secret not in shown


@pytest.mark.parametrize(
    "name",
    ["tests.made", "made.v1", "tests.made.v0", "tests.Made.v1", "tests.a.b.v1", "other.made.v1"],
)
def test_a_bad_or_foreign_name_is_refused_at_import(name):
    with pytest.raises(events.EventMisdeclared):
        declare(name)


def test_an_unknown_key_field_is_refused_at_import():
    with pytest.raises(events.EventMisdeclared):
        declare(key="colour")


def test_a_fact_is_declared_once():
    declare()

    with pytest.raises(events.EventMisdeclared):
        declare("tests.made.v2")


def test_old_rows_reach_the_current_version_step_by_step():
    @event("tests.made.v3", key="thing_id")
    class Made(Event):
        """A thing was made."""

        thing_id: int
        total: str
        currency: str

    @upcast("tests.made.v1")
    def rename(data):
        return {**data, "total": data["price"]}

    @upcast("tests.made.v2")
    def add_currency(data):
        return {**data, "currency": "EUR"}

    decoded = events.decode("tests.made.v1", {"thing_id": 1, "price": "9"})

    assert decoded == Made(thing_id=1, total="9", currency="EUR")


@pytest.mark.parametrize("name", ["tests.made.v2", "tests.unheard.v1", "nonsense"])
def test_a_version_that_nothing_leads_from_is_unknown(name):
    declare()

    with pytest.raises(events.UnknownEvent):
        events.decode(name, {})


def test_an_upcaster_that_fails_makes_the_event_invalid():
    declare("tests.made.v2")

    @upcast("tests.made.v1")
    def fail(data):
        return data["missing"]

    with pytest.raises(events.EventInvalid):
        events.decode("tests.made.v1", {})

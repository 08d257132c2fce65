"""The measured table: one row for each question, the loser beside the winner, made from what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Found = Mapping[str, Any]
TRIP: Final = ("choreographed", "orchestrated")
SIGN_UP: Final = ("commanded", "published")
VARIES: Final = " *(varies)*"
"""Behind a question whose answer is of the machine, and of the hour."""
WHOLE: Final = "confirmed: 3 booked, paid"


@dataclass(frozen=True)
class Row:
    """One question; `stable` if measuring again must give the same, on any machine."""

    question: str
    loser: str
    winner: str
    stable: bool = True


def rows(found: Found) -> list[Row]:
    """Return every row, between contexts first."""
    return [*_between(found), *_inside(found)]


def _between(found: Found) -> list[Row]:
    files, survival = found["reading.files_for_a_listener"], found["signups.survival"]
    names, costs = found["reading.files_that_name_crm"], found["signups.costs"]
    publisher = {way: str(files[way]["publisher"]) for way in SIGN_UP}
    return [
        Row("files of the publisher to add a listener", *_of(SIGN_UP, publisher)),
        Row("files that name the listener", *_of(SIGN_UP, names)),
        *(
            Row(f"sign-up while {case}", *(survival[way][case] for way in SIGN_UP))
            for case in ("CRM is up", "CRM is slow", "CRM is down")
        ),
        Row(
            "what a crash during sign-up leaves",
            *_of(SIGN_UP, {way: _counts(found["signups.crashes"][way]) for way in SIGN_UP}),
        ),
        Row(
            "SQL statements of a sign-up in Booking",
            *_of(SIGN_UP, {way: costs[way]["statements"] for way in SIGN_UP}),
        ),
        Row(
            "milliseconds of a sign-up",
            *_of(SIGN_UP, {way: f"{costs[way]['ms']:.0f}" for way in SIGN_UP}),
            stable=False,
        ),
    ]


def _inside(found: Found) -> list[Row]:
    stories = found["trips.stories"]
    slow = {way: f"{ms:.0f}" for way, ms in found["latency.behind_a_slow_hotel"].items()}
    alone = {way: f"{ms:.0f}" for way, ms in found["latency.of_trips"].items()}
    return [
        Row("places that make up the order of steps", *_of(TRIP, found["reading.places"])),
        Row("questions to see where a trip stands", *_of(TRIP, found["trips.questions"])),
        *(
            Row(name, *_of(TRIP, {way: _ended(ended[way]) for way in TRIP}))
            for name, ended in stories.items()
        ),
        Row("a traveller cancels on the way", *_of(TRIP, found["trips.turning_back"])),
        *(
            Row(question, *_of(TRIP, {way: _counts(found[name][way]) for way in TRIP}))
            for question, name in CRASHES.items()
        ),
        Row("SQL statements of a trip of three legs", *_of(TRIP, found["trips.statements"])),
        Row("milliseconds from confirm to confirmed", *_of(TRIP, alone), stable=False),
        Row("the same just behind a trip whose hotel is slow", *_of(TRIP, slow), stable=False),
    ]


CRASHES: Final = {
    "what a crash at each step of a trip leaves": "trips.crashes",
    "the same with a hotel that knows no keys": "trips.crashes_without_keys",
}


def _of(ways: tuple[str, str], values: Mapping[str, Any]) -> tuple[str, str]:
    loser, winner = ways
    return str(values[loser]), str(values[winner])


def _ended(ended: Mapping[str, Any]) -> str:
    return f"{ended['left']}{' (an event is dead)' if ended['waits_for_a_person'] else ''}"


def _counts(crashed: Mapping[str, Any]) -> str:
    left = sorted(crashed["left"].items(), key=lambda item: -item[1])
    return "; ".join(f"{count} of {crashed['tried']}: {what}" for what, count in left)


def as_text(lines: list[Row]) -> str:
    """Return the table for a terminal: the question, then each way on a line of its own."""
    said = []
    for row in lines:
        mark = "" if row.stable else VARIES
        said += [f"{row.question}{mark}", f"    loser   {row.loser}", f"    winner  {row.winner}"]
    return "\n".join(said)


def as_markdown(lines: list[Row]) -> str:
    """Return the table for a page."""
    head = ["| measured | loser | winner |", "|---|---|---|"]
    marks = [(row, "" if row.stable else VARIES) for row in lines]
    return "\n".join([*head, *(f"| {r.question}{m} | {r.loser} | {r.winner} |" for r, m in marks)])

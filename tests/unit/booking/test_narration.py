"""The sentences of a timeline."""

from itertools import product

import pytest

from booking import narration, sagas
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.shape import FINAL

STANDS = "Your cancellation was stopped; your trip stands."
KEPT = "Your trip could not be cancelled (no reason); it stands."
NOT_YET = "It was not taken back yet; we will look again."
COULD_NOT = "It could not be taken back yet (no reason); we will look again."
ENDS = {
    ("confirm-reservation", "completed"): ("Your trip is confirmed.",) * 2,
    ("confirm-reservation", "failed"): (
        "Your trip could not be booked (no reason). Nothing was bought and nothing was taken.",
        "Your trip was not booked (no reason). What could not be taken back was settled by a colleague.",
    ),
    ("confirm-reservation", "cancelled"): (
        "Your trip is cancelled and nothing was taken.",
        "Your trip is cancelled. What could not be taken back was settled by a colleague.",
    ),
    ("cancel-reservation", "completed"): (
        "Your trip is cancelled; what the conditions give back is on its way.",
        "Your trip is cancelled. What could not be cancelled or given back was settled by a colleague.",
    ),
    ("cancel-reservation", "failed"): (KEPT, KEPT),
    ("cancel-reservation", "cancelled"): (STANDS, STANDS),
    ("take-back", "completed"): (
        "It was taken back.",
        "What could not be taken back was settled by a colleague.",
    ),
    ("take-back", "failed"): (COULD_NOT, COULD_NOT),
    ("take-back", "cancelled"): (NOT_YET, NOT_YET),
}
"""Flow and end -> what is told of it, and what if a person accepted a loss."""


@pytest.mark.parametrize(("flow", "end"), ENDS)
@pytest.mark.parametrize("accepted", [[], ["book flight"]])
def test_every_end_of_every_flow_is_told_as_it_is(flow: str, end: str, accepted: list[str]) -> None:
    detail = {"reason": "no_reason", "accepted": accepted}

    said = narration.sentence(flow=flow, kind=end, step="", what="", detail=detail)

    assert said == ENDS[flow, end][bool(accepted)]


def test_no_flow_and_no_end_is_left_out() -> None:
    ours = [flow.name for flow in REGISTRY.values() if flow.source.startswith("booking/sagas.py")]

    assert sagas.CONFIRM_RESERVATION.name in ours
    assert set(ENDS) == set(product(ours, FINAL))


@pytest.mark.parametrize(
    ("flow", "sentence"),
    [
        ("confirm-reservation", "Taking back what was done."),
        ("cancel-reservation", "Your cancellation is being stopped."),
        ("take-back", "It is not taken back now."),
    ],
)
def test_a_flow_that_somebody_stops_is_not_called_impossible(flow: str, sentence: str) -> None:
    detail = {"reason": "cancelled"}

    said = narration.sentence(flow=flow, kind="compensating", step="", what="", detail=detail)

    assert said == sentence


@pytest.mark.parametrize(
    ("kind", "step", "what", "detail", "sentence"),
    [
        ("started", "", "", {}, "Your request was accepted."),
        ("done", "book", "Flight LHR-JFK", {}, "Booking Flight LHR-JFK: done."),
        (
            "refused",
            "book",
            "Hotel",
            {"code": "sold_out"},
            "Booking Hotel: refused (sold out).",
        ),
        ("failed", "capture", "", {}, "Taking the payment: did not work, trying again."),
        (
            "failed",
            "",
            "",
            {"reason": "sold_out"},
            "Your trip could not be booked (sold out). Nothing was bought and nothing was taken.",
        ),
        (
            "failed",
            "",
            "",
            {"reason": "sold_out", "accepted": ["book flight"]},
            "Your trip was not booked (sold out). What could not be taken back was settled by a colleague.",
        ),
        (
            "cancelled",
            "",
            "",
            {"reason": "cancelled", "accepted": ["book flight"]},
            "Your trip is cancelled. What could not be taken back was settled by a colleague.",
        ),
        (
            "parked",
            "",
            "",
            {"reason": "compensation incomplete: book 1 (no)"},
            "Not everything could be taken back yet; a colleague will see to it.",
        ),
        ("parked", "", "", {"reason": "x"}, "This needs a person; a colleague will look at it."),
        ("moon_landed", "launch_rocket", "", {}, "Launch rocket: moon landed."),
        ("moon_landed", "", "", {}, "The trip: moon landed."),
    ],
)
def test_what_happened_is_told_in_a_sentence(kind, step, what, detail, sentence):
    assert narration.sentence(kind=kind, step=step, what=what, detail=detail) == sentence

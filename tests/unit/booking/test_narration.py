"""The sentences of a timeline."""

import pytest

from booking import narration


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

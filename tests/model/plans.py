"""The two flows as `decide` sees them; a test compares them with `booking/sagas.py`."""

from typing import Final

from booking.orchestrator.shape import Kind, Shape, StepShape

LOCAL: Final = frozenset({"hold", "confirm", "quote", "close"})
"""Steps without network: effect and record are one transaction."""


def confirming(attempts: int) -> Shape:
    """Return the shape of `CONFIRM_RESERVATION`, with so many tries of each call."""
    return Shape(
        name="confirm-reservation",
        version=1,
        steps=(
            _step("hold", "reservation", Kind.BEFORE, attempts),
            _step("authorise", "reservation", Kind.BEFORE, attempts),
            _step("book", "provider", Kind.BEFORE, attempts),
            _step("capture", "payment", Kind.PIVOT, attempts, annulled=True),
            _step("confirm", "payment", Kind.AFTER, attempts),
        ),
    )


def cancelling(attempts: int) -> Shape:
    """Return the shape of `CANCEL_RESERVATION`, with so many tries of each call."""
    return Shape(
        name="cancel-reservation",
        version=1,
        steps=(
            _step("quote", "reservation", Kind.BEFORE, attempts),
            _step("cancel", "provider", Kind.PIVOT, attempts),
            _step("refund", "payment", Kind.AFTER, attempts),
            _step("close", "payment", Kind.AFTER, attempts),
        ),
    )


def _step(name: str, link: str, kind: Kind, attempts: int, *, annulled: bool = False) -> StepShape:
    return StepShape(
        name=name,
        link=link,
        kind=kind,
        attempts=attempts,
        compensated=kind is Kind.BEFORE,
        annulled=annulled,
    )

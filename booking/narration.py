"""What a traveller reads about each thing that happened to a booking. Pure Python."""

from collections.abc import Mapping
from typing import Any, Final

STEPS: Final = {
    "hold": "Holding the trip",
    "authorise": "Reserving the price on the card",
    "book": "Booking {what}",
    "capture": "Taking the payment",
    "confirm": "Confirming the trip",
    "refund": "Giving money back",
    "cancel": "Cancelling {what}",
    "close": "Closing the trip",
    "quote": "Working out what comes back",
    "claim": "Finding what was left",
    "give_back": "Giving back a payment that came late",
    "cancel_stray": "Cancelling a booking that came late",
    "settle": "Closing what was left",
}
"""What a step does; a step without an entry is told by its name."""

HAPPENINGS: Final = {
    "started": "Your request was accepted.",
    "done": "{step}: done.",
    "refused": "{step}: refused ({reason}).",
    "waiting": "{step}: waiting for you.",
    "unknown": "{step}: no clear answer yet, asking again.",
    "failed": "{step}: did not work, trying again.",
    "postponed": "{step}: the provider does not answer at the moment, waiting for it.",
    "absent": "{step}: the earlier request did not arrive, sending it again.",
    "compensating": "The trip cannot be booked ({reason}); taking back what was done.",
    "stopping": "Taking back what was done.",
    "compensated": "{step}: taken back.",
    "annulled": "{step}: made sure that nothing was done.",
    "landed_late": "{step}: an earlier request arrived late, taking it back.",
    "cancel_requested": "You asked to cancel.",
    "woken": "Something new is known; going on.",
    "resolved": "{step}: settled by a colleague.",
    "retried": "A colleague looked at it; going on.",
    "parked": "This needs a person; a colleague will look at it.",
    "pivoting": "Everything is booked; the payment comes next.",
    "finishing": "The payment was taken.",
    "completed": "Your trip is confirmed.",
    "cancelled": "Your trip is cancelled and nothing was taken.",
}
"""What happened; a kind without an entry is told by its name."""

CLOSED: Final = (
    "Your trip could not be booked ({reason}). Nothing was bought and nothing was taken."
)
WITH_A_LOSS: Final = {
    "failed": "Your trip was not booked ({reason}). What could not be taken back was settled by a colleague.",
    "cancelled": "Your trip is cancelled. What could not be taken back was settled by a colleague.",
}
"""What is told of an end when a person accepted a loss: not that nothing was bought."""
LOSS_OTHERWISE: Final = {
    "cancel-reservation": {
        "completed": "Your trip is cancelled. What could not be cancelled or given back was settled by a colleague.",
    },
    "take-back": {"completed": "What could not be taken back was settled by a colleague."},
}
"""The same by the name of a flow that is no booking; of its other ends nothing else is true then."""

INCOMPLETE: Final = "Not everything could be taken back yet; a colleague will see to it."

CANCELLATION: Final = {
    "started": "Your cancellation was accepted.",
    "pivoting": "Cancelling with each provider.",
    "finishing": "Every provider has cancelled; the money comes next.",
    "completed": "Your trip is cancelled; what the conditions give back is on its way.",
    "failed": "Your trip could not be cancelled ({reason}); it stands.",
    "cancelled": "Your cancellation was stopped; your trip stands.",
    "compensating": "Your trip cannot be cancelled ({reason}).",
    "stopping": "Your cancellation is being stopped.",
    "cancel_requested": "A colleague asked to stop the cancellation.",
}
"""What is told otherwise while a confirmed trip is being cancelled."""

TAKING_BACK: Final = {
    "started": "We found something at a provider or on your card that should not be there.",
    "pivoting": "Taking it back.",
    "finishing": "Taking it back.",
    "completed": "It was taken back.",
    "failed": "It could not be taken back yet ({reason}); we will look again.",
    "cancelled": "It was not taken back yet; we will look again.",
    "compensating": "It cannot be taken back yet ({reason}).",
    "stopping": "It is not taken back now.",
    "cancel_requested": "A colleague asked to stop.",
}
"""What is told otherwise while the reconciler takes back what an attempt left."""

TOLD_OTHERWISE: Final = {"cancel-reservation": CANCELLATION, "take-back": TAKING_BACK}
"""By the name of the flow."""


def sentence(*, flow: str = "", kind: str, step: str, what: str, detail: Mapping[str, Any]) -> str:
    """Return one sentence about one entry of a timeline; `what` names the item, "" for none."""
    reason = str(detail.get("code") or detail.get("reason") or "no reason given").replace("_", " ")
    doing = STEPS.get(step, step.replace("_", " ").capitalize()).format(what=what or "the trip")
    template = _template(flow, kind, step, detail)
    if template is None:
        return f"{doing or 'The trip'}: {kind.replace('_', ' ')}."
    return template.format(step=doing, reason=reason)


def _template(flow: str, kind: str, step: str, detail: Mapping[str, Any]) -> str | None:
    if kind == "compensating" and detail.get("reason") == "cancelled":
        kind = "stopping"
    if not step:
        lost = LOSS_OTHERWISE.get(flow, WITH_A_LOSS) if detail.get("accepted") else {}
        otherwise = {**TOLD_OTHERWISE.get(flow, {}), **lost}
        if kind in otherwise:
            return otherwise[kind]
    if kind == "parked" and str(detail.get("reason", "")).startswith("compensation incomplete"):
        return INCOMPLETE
    # The same word tells the failed try of a step and the failed whole.
    return CLOSED if kind == "failed" and not step else HAPPENINGS.get(kind)

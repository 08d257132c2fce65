"""The boundary drawn anew: what must be decided before a trip is confirmed is Booking's, the rest listens.

A balance that can be spent is money: it belongs beside the other payments, as a service inside Booking.
Who earns points for what, tiers and campaigns stay with Loyalty, which hears of confirmed trips.
"""

from uuid import UUID

from booking.orchestrator.plan import Link, Pivot, Saga, Step, minutes
from booking.sagas import legs, price
from outbound.call import Call, Refusal
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


class NotEnoughPoints(Refusal):
    """The balance does not cover what the traveller wants to spend."""

    code = "not_enough_points"


class Points:
    """The balances, and what is set aside of them by trip: two tables in a service, two dictionaries here."""

    def __init__(self) -> None:
        self.balance: dict[UUID, int] = {}
        self.aside: dict[UUID, int] = {}


POINTS = Points()


class Redeem:
    """Set the points aside that the traveller spends on the trip."""

    def apply(self, call: Call) -> None:
        """Take them from the balance, once a trip. Raises: NotEnoughPoints."""
        wanted = int(call.given.get("points", 0))
        if call.subject_id in POINTS.aside:
            return
        if POINTS.balance.get(call.subject_id, 0) < wanted:
            raise NotEnoughPoints(f"{wanted} wanted")
        POINTS.balance[call.subject_id] = POINTS.balance.get(call.subject_id, 0) - wanted
        POINTS.aside[call.subject_id] = wanted


class Return:
    """Give the points back (compensates `Redeem`)."""

    def apply(self, call: Call) -> None:
        """Put them back, once a trip."""
        back = POINTS.aside.pop(call.subject_id, 0)
        POINTS.balance[call.subject_id] = POINTS.balance.get(call.subject_id, 0) + back


# fmt: off
PAY_WITH_POINTS = Saga(
    "pay-with-points", version=1, subject="reservation_id", deadline=minutes(25),
    links=[
        Link("reservation",
            Step("hold",      reservation.Hold,   compensate=reservation.Release, refused_by=reservation.OfferExpired),
            Step("redeem",    Redeem,             compensate=Return,              refused_by=NotEnoughPoints),
            Step("authorise", payments.Authorise, compensate=payments.Void,       refused_by=payments.Declined, given=price)),
        Link("provider",
            Step("book",      providers.Book,     compensate=providers.Cancel,    refused_by=providers.Refused, each=legs)),
        Link("payment",
            Pivot("capture",  payments.Capture,   annulled_by=payments.Annul,     refused_by=payments.Declined, given=price),
            Step("confirm",   reservation.Confirm)),
    ],
    failed=reservation.fail, cancelled=reservation.cancel,
)
# fmt: on

"""The table of the later release."""

from booking.orchestrator.plan import Link, Pivot, Saga, Step, minutes
from booking.sagas import legs, price
from outbound.call import Call
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


class Greet:
    """Say thank you: a step that the earlier release does not have."""

    def apply(self, call: Call) -> None:
        """Do nothing else."""


CONFIRM_RESERVATION = Saga(
    "confirm-reservation",
    version=1000,
    subject="reservation_id",
    deadline=minutes(15),
    links=[
        Link(
            "reservation",
            Step(
                "hold",
                reservation.Hold,
                compensate=reservation.Release,
                refused_by=reservation.OfferExpired,
            ),
        ),
        Link(
            "provider",
            Step(
                "book",
                providers.Book,
                compensate=providers.Cancel,
                refused_by=providers.Refused,
                each=legs,
            ),
        ),
        Link(
            "payment",
            Step(
                "authorise",
                payments.Authorise,
                compensate=payments.Void,
                refused_by=payments.Declined,
                given=price,
            ),
            Pivot(
                "capture",
                payments.Capture,
                annulled_by=payments.Annul,
                refused_by=payments.Declined,
                given=price,
            ),
            Step("confirm", reservation.Confirm),
            Step("greet", Greet),
        ),
    ],
    failed=reservation.fail,
    cancelled=reservation.cancel,
)

"""First try: Loyalty must approve every trip, so the flow of Booking asks Loyalty. It spans two contexts."""

import os
from dataclasses import dataclass

import msgspec

from booking.orchestrator.plan import Link, Pivot, Saga, Step, minutes
from booking.sagas import legs, price
from outbound import http
from outbound.call import Call, Idempotency, Refusal, Traits
from outbound.deadline import Deadline
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


class NotApproved(Refusal):
    """Loyalty does not let the traveller pay with points that are not there."""

    code = "not_approved"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What Loyalty is asked."""

    reservation_id: str


@dataclass(frozen=True, kw_only=True)
class Approved:
    """Loyalty said yes."""

    approval_id: str


class Approve:
    """Ask Loyalty, over the network, whether the trip may be confirmed."""

    def prepare(self, call: Call) -> Asked:
        """Name the reservation."""
        return Asked(reservation_id=str(call.subject_id))

    def call(self, request: Asked, call: Call) -> Approved:
        """Ask. Raises: NotApproved, a definite no."""
        answer = http.send(
            method="PUT",
            url=f"{os.environ['LOYALTY_URL']}/approvals/{request.reservation_id}",
            deadline=Deadline.within(call.seconds),
            headers={"idempotency-key": call.key},
            content=msgspec.json.encode(request),
        )
        if answer.status == 409:
            raise NotApproved("not enough points")
        return answer.decode(Approved)

    def probe(self, request: Asked, call: Call) -> Approved | None:
        """Ask again: approving twice is approving once."""
        return self.call(request, call)

    def record(self, answer: Approved, call: Call) -> None:
        """Keep nothing: the approval is Loyalty's."""

    def traits(self, request: Asked) -> Traits:
        """Return how far Loyalty can be trusted with a repeated question."""
        return Traits(idempotency=Idempotency.B)


# fmt: off
ASK_LOYALTY = Saga(
    "ask-loyalty", version=1, subject="reservation_id", deadline=minutes(25),
    links=[
        Link("reservation",
            Step("hold",      reservation.Hold,   compensate=reservation.Release, refused_by=reservation.OfferExpired),
            Step("approve",   Approve,            no_compensation="it only asks", refused_by=NotApproved),
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

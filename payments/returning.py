"""The remote operations that give money back: void an authorisation, refund a capture."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, Literal

from eventbus.publish import publish
from eventbus.together import write
from outbound.call import Call, Refusal, Traits
from outbound.deadline import Deadline
from payments.domain import PaymentStatus
from payments.gateways.protocol import Intent, IntentState, UnexpectedAnswer
from payments.gateways.registry import gateway
from payments.models import Refund as RefundRow
from payments.operations import by_intent, current
from payments.refusals import CaptureStands, RefundRefused

ENDED: Final = {
    "voided": {PaymentStatus.VOIDED, PaymentStatus.REFUNDED},
    "refunded": {PaymentStatus.REFUNDED},
}
"""In which states a payment already shows how it came out."""


@dataclass(frozen=True, kw_only=True)
class VoidRequest:
    """Which payment must come to nothing."""

    intent_id: str


@dataclass(frozen=True, kw_only=True)
class VoidAnswer:
    """What became of it: `voided`, or `refunded` when it had been captured all the same."""

    intent_id: str
    outcome: Literal["voided", "refunded"]


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """What to give back, in major units as text; "0" gives nothing back and asks nobody."""

    intent_id: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class RefundAnswer:
    """What was given back, in major units as text; `refund_id` is "" when it was nothing."""

    intent_id: str
    refund_id: str
    amount: str
    currency: str


class Void:
    """Give an authorisation back, also one whose outcome is unknown (compensates `Authorise`).

    A cancelled payment can never be confirmed or captured again: it is its own tombstone.
    """

    assumed: ClassVar[Mapping[str, str]] = {"outcome": "voided"}

    def prepare(self, call: Call) -> VoidRequest:
        """Read from the original call which payment it is.

        Raises:
            ValueError: there is no original call.
        """
        if call.original is None:
            raise ValueError("a void needs the call that it takes back")
        return VoidRequest(intent_id=call.original.request["intent_id"])

    def call(self, request: VoidRequest, call: Call) -> VoidAnswer:
        """Cancel the payment whatever its state; refund it in full if it was captured."""
        deadline = Deadline.within(call.seconds)
        intent = _cancelled_or_captured(request, deadline)
        if intent.state is IntentState.CANCELLED:
            return VoidAnswer(intent_id=intent.id, outcome="voided")
        gateway().refund_rest(intent_id=request.intent_id, deadline=deadline)
        return VoidAnswer(intent_id=intent.id, outcome="refunded")

    def probe(self, request: VoidRequest, call: Call) -> VoidAnswer | None:
        """Void again: that is as good as asking, and repeating it changes nothing."""
        return self.call(request, call)

    def record(self, answer: VoidAnswer, call: Call) -> None:
        """Note and tell that the money is the customer's again, once."""
        payment = by_intent(answer.intent_id)
        # A payment that counted as void can have been taken all the same: that is told with its refund.
        if payment.status in ENDED[answer.outcome]:
            return
        if answer.outcome == "voided":
            publish(payment.void())
        else:
            if not payment.captured_amount:
                publish(payment.capture(amount=payment.amount))
            publish(payment.refund(amount=payment.captured_amount - payment.refunded_amount))
        write(payment)

    def traits(self, request: VoidRequest) -> Traits:
        """Return how far the processor can be trusted with a repeated call."""
        return gateway().traits


class GiveBack(Void):
    """Give a stray payment back whatever became of it: cancel it, or refund all that is left of it."""

    assumed: ClassVar[Mapping[str, str]] = {}  # it may be either

    def prepare(self, call: Call) -> VoidRequest:
        """Read which payment it is: `call.given` holds its intent_id."""
        return VoidRequest(intent_id=str(call.given["intent_id"]))


class Annul(Void):
    """Make sure that a capture which was not answered cannot be made any more.

    Unlike `Void` it gives nothing back: a capture that was made after all stands.
    """

    refused_by = (CaptureStands,)

    def call(self, request: VoidRequest, call: Call) -> VoidAnswer:
        """Cancel the payment. Raises: CaptureStands, the money was taken."""
        intent = _cancelled_or_captured(request, Deadline.within(call.seconds))
        if intent.state is IntentState.CAPTURED:
            raise CaptureStands("the payment was captured after all")
        return VoidAnswer(intent_id=intent.id, outcome="voided")


class Refund:
    """Give a part or all of a captured payment back; `call.given` is the amount."""

    refused_by = (RefundRefused,)

    def prepare(self, call: Call) -> RefundRequest:
        """Check what is left to give back.

        Raises:
            RefundRefused: nothing was captured, or less than that is left.
        """
        payment, amount = current(call.subject_id), Decimal(str(call.given["amount"]))
        if payment is None or not payment.captured_amount:
            raise RefundRefused("nothing was captured")
        left = payment.captured_amount - payment.refunded_amount
        if not 0 <= amount <= left or call.given["currency"] != payment.currency:
            raise RefundRefused(f"{left} {payment.currency} can be given back")
        return RefundRequest(
            intent_id=payment.gateway_payment_id, amount=str(amount), currency=payment.currency
        )

    def call(self, request: RefundRequest, call: Call) -> RefundAnswer:
        """Refund at the processor. Raises: RefundRefused, a definite no."""
        if not Decimal(request.amount):
            return _answer(request, "")
        refund = gateway().refund(
            intent_id=request.intent_id,
            amount=Decimal(request.amount),
            currency=request.currency,
            key=call.key,
            deadline=Deadline.within(call.seconds),
        )
        return _answer(request, refund.id)

    def probe(self, request: RefundRequest, call: Call) -> RefundAnswer | None:
        """Return the refund that an earlier call left, None when it never arrived."""
        if not Decimal(request.amount):
            return _answer(request, "")
        made = gateway().refunds_of(
            intent_id=request.intent_id, deadline=Deadline.within(call.seconds)
        )
        return next(
            (_answer(request, refund.id) for refund in made if refund.key == call.key), None
        )

    def record(self, answer: RefundAnswer, call: Call) -> None:
        """Note the refund and tell it, once per refund."""
        payment, amount = by_intent(answer.intent_id), Decimal(answer.amount)
        if not amount or payment.refunds.filter(gateway_refund_id=answer.refund_id).exists():
            return
        write(
            RefundRow(
                payment=payment,
                key=call.key,
                gateway_refund_id=answer.refund_id,
                amount=amount,
                created_at=call.now,
            )
        )
        publish(payment.refund(amount=amount))
        write(payment)

    def record_refusal(self, refusal: Refusal, call: Call) -> None:
        """Change nothing: the money stays taken, and a person must decide."""

    def traits(self, request: RefundRequest) -> Traits:
        """Return how far the processor can be trusted with a repeated call."""
        return gateway().traits


def _cancelled_or_captured(request: VoidRequest, deadline: Deadline) -> Intent:
    """Cancel a payment unless it is over already; return it as cancelled, or as captured after all.

    Raises:
        UnexpectedAnswer: it is neither.
    """
    intent = gateway().retrieve(intent_id=request.intent_id, deadline=deadline)
    if intent.state not in {IntentState.CANCELLED, IntentState.CAPTURED}:
        intent = gateway().cancel(intent_id=request.intent_id, deadline=deadline)
    if intent.state not in {IntentState.CANCELLED, IntentState.CAPTURED}:
        raise UnexpectedAnswer(f"{intent.id} is {intent.state} after it was cancelled")
    return intent


def _answer(request: RefundRequest, refund_id: str) -> RefundAnswer:
    return RefundAnswer(
        intent_id=request.intent_id,
        refund_id=refund_id,
        amount=request.amount,
        currency=request.currency,
    )

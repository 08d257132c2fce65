"""The remote operations on a card: authorise, and capture (the pivot)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.conf import settings

from eventbus.publish import publish
from eventbus.together import write
from outbound.call import Call, Refusal, Traits, Waiting
from outbound.deadline import Deadline
from payments.domain import IN_FLIGHT, PaymentStatus
from payments.gateways.protocol import Intent, IntentState, UnexpectedAnswer
from payments.gateways.registry import gateway
from payments.models import IllegalPaymentMove, Payment
from payments.refusals import (
    AuthenticationFailed,
    AuthorisationLost,
    Declined,
    PaymentDetailsMissing,
    PriceMismatch,
)

NOT_AUTHENTICATED: Final = "payment_intent_authentication_failure"


class AnswerMismatch(Exception):
    """The processor did another amount than the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """What to ask of which payment; ids and the amount (major units) as text, to be stored."""

    payment_id: str
    intent_id: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class PaymentAnswer:
    """What the processor did; `amount` in major units as text."""

    intent_id: str
    amount: str
    currency: str


class Authorise:
    """Reserve the price on the customer's card, without taking it."""

    def prepare(self, call: Call) -> PaymentRequest:
        """Lock the current payment to this attempt; `call.given` is the price.

        Raises:
            PaymentDetailsMissing, PriceMismatch: there is nothing to authorise, or for another price.
        """
        payment = current(call.subject_id)
        if payment is None:
            raise PaymentDetailsMissing("no payment details were entered")
        asked = (Decimal(str(call.given["amount"])), call.given["currency"])
        if (payment.amount, payment.currency) != asked:
            raise PriceMismatch(f"payment details are for {payment.amount} {payment.currency}")
        try:
            payment.begin_authorisation()
        except IllegalPaymentMove as error:
            raise PaymentDetailsMissing(str(error)) from error
        write(payment)
        return _request(payment)

    def call(self, request: PaymentRequest, call: Call) -> PaymentAnswer:
        """Confirm the payment at the processor.

        Raises:
            Declined: a definite no.
            Waiting: the cardholder must pass 3-D Secure.
        """
        intent = gateway().confirm(
            intent_id=request.intent_id,
            key=call.key,
            return_url=settings.PUBLIC_URL,
            deadline=Deadline.within(call.seconds),
        )
        answer = authorisation(request, intent)
        if answer is None:
            raise UnexpectedAnswer(f"{intent.id} is unconfirmed after it was confirmed")
        return answer

    def probe(self, request: PaymentRequest, call: Call) -> PaymentAnswer | None:
        """Return the authorisation that an earlier call left, None when it never arrived.

        Raises:
            Declined, Waiting: as `call`.
        """
        deadline = Deadline.within(call.seconds)
        intent = gateway().retrieve(intent_id=request.intent_id, deadline=deadline)
        return authorisation(request, intent)

    def record(self, answer: PaymentAnswer, call: Call) -> None:
        """Note the authorisation and tell it, once."""
        payment = by_intent(answer.intent_id)
        if payment.status == PaymentStatus.AUTHORISED:
            return
        publish(payment.authorise(amount=Decimal(answer.amount)))
        write(payment)

    def abandon(self, call: Call) -> None:
        """Free the payment again: nothing was asked of the processor."""
        payment = current(call.subject_id)
        if payment is not None and payment.status == PaymentStatus.AUTHORISING:
            payment.abandon_authorisation()
            write(payment)

    def record_waiting(self, waiting: Waiting, call: Call) -> None:
        """Note what the cardholder must do."""
        payment = current(call.subject_id)
        if payment is not None:
            payment.wait(action=waiting.action)
            write(payment)

    def record_refusal(self, refusal: Refusal, call: Call) -> None:
        """Note and tell that the card was declined, once."""
        _record_decline(refusal, call, stage="authorise")

    def traits(self, request: PaymentRequest) -> Traits:
        """Return how far the processor can be trusted with a repeated call."""
        return gateway().traits


class Capture:
    """Take the authorised price: the point of no return."""

    def prepare(self, call: Call) -> PaymentRequest:
        """Read which payment was authorised.

        Raises:
            PaymentDetailsMissing: there is none.
        """
        payment = current(call.subject_id)
        if payment is None:
            raise PaymentDetailsMissing("no payment was authorised")
        return _request(payment)

    def call(self, request: PaymentRequest, call: Call) -> PaymentAnswer:
        """Capture the payment at the processor. Raises: Declined, a definite no."""
        intent = gateway().capture(
            intent_id=request.intent_id,
            amount=Decimal(request.amount),
            currency=request.currency,
            key=call.key,
            deadline=Deadline.within(call.seconds),
        )
        answer = capture(request, intent)
        if answer is None:
            raise UnexpectedAnswer(f"{intent.id} is not captured after it was captured")
        return answer

    def probe(self, request: PaymentRequest, call: Call) -> PaymentAnswer | None:
        """Return the capture that an earlier call left, None when it never arrived.

        Raises:
            Declined: the payment was cancelled; nothing can be taken.
        """
        deadline = Deadline.within(call.seconds)
        intent = gateway().retrieve(intent_id=request.intent_id, deadline=deadline)
        return capture(request, intent)

    def record(self, answer: PaymentAnswer, call: Call) -> None:
        """Note the capture and tell it, once."""
        payment = by_intent(answer.intent_id)
        if payment.captured_amount:
            return
        publish(payment.capture(amount=Decimal(answer.amount)))
        write(payment)

    def record_refusal(self, refusal: Refusal, call: Call) -> None:
        """Note and tell that the card was declined, once."""
        _record_decline(refusal, call, stage="capture")

    def traits(self, request: PaymentRequest) -> Traits:
        """Return how far the processor can be trusted with a repeated call."""
        return gateway().traits


def authorisation(request: PaymentRequest, intent: Intent) -> PaymentAnswer | None:
    """Return what a payment's state means for an authorisation; None: nothing was asked of the card.

    Raises:
        Declined: it was refused, or cancelled.
        Waiting: the cardholder must act.
        UnexpectedAnswer, AnswerMismatch: neither yes nor no.
    """
    match intent.state:
        case IntentState.UNCONFIRMED:
            return None
        case IntentState.WAITING:
            action = {"type": "3d_secure", "url": intent.action_url}
            raise Waiting(action, seconds=settings.PAYMENT_ACTION_SECONDS)
        case IntentState.REFUSED if intent.decline_code == NOT_AUTHENTICATED:
            raise AuthenticationFailed(intent.decline_reason, reason=intent.decline_reason[:100])
        case IntentState.REFUSED:
            raise Declined(intent.decline_reason, reason=intent.decline_reason[:100])
        case IntentState.CANCELLED:
            raise AuthorisationLost("the payment was cancelled at the processor")
        case IntentState.AUTHORISED:
            return _answer(request, intent, intent.capturable_amount)
    raise UnexpectedAnswer(f"{intent.id} is {intent.state}")


def capture(request: PaymentRequest, intent: Intent) -> PaymentAnswer | None:
    """Return what a payment's state means for a capture; None: it is still to be taken.

    Raises:
        AuthorisationLost: it was cancelled; nothing can be taken.
        UnexpectedAnswer, AnswerMismatch: neither yes nor no.
    """
    match intent.state:
        case IntentState.CAPTURED:
            return _answer(request, intent, intent.captured_amount)
        case IntentState.AUTHORISED:
            return None
        case IntentState.CANCELLED:
            raise AuthorisationLost("the payment was cancelled at the processor")
    raise UnexpectedAnswer(f"{intent.id} is {intent.state}")


def current(reservation_id: UUID) -> Payment | None:
    """Return the payment of a reservation that nothing superseded, without a lock: see `write`."""
    return Payment.objects.filter(reservation_id=reservation_id, superseded_at=None).first()


def by_intent(intent_id: str) -> Payment:
    """Return a payment by its id at the processor, without a lock: see `write`."""
    return Payment.objects.get(gateway_payment_id=intent_id)


def _request(payment: Payment) -> PaymentRequest:
    return PaymentRequest(
        payment_id=str(payment.id),
        intent_id=payment.gateway_payment_id,
        amount=str(payment.amount),
        currency=payment.currency,
    )


def _answer(request: PaymentRequest, intent: Intent, amount: Decimal) -> PaymentAnswer:
    if (amount, intent.currency) != (Decimal(request.amount), request.currency):
        raise AnswerMismatch(f"{intent.id}: {amount} {intent.currency}")
    return PaymentAnswer(intent_id=intent.id, amount=request.amount, currency=request.currency)


def _record_decline(refusal: Refusal, call: Call, *, stage: str) -> None:
    payment = current(call.subject_id)
    if payment is None or payment.status not in IN_FLIGHT:
        return  # nothing was asked of a card, or the no was noted before
    publish(payment.decline(stage=stage, reason=getattr(refusal, "reason", refusal.code)))
    write(payment)

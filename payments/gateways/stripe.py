"""Stripe through its official SDK: manual capture, SDK retries off, one deadline per call."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any, Final

import msgspec
import stripe
from django.conf import settings

from outbound.call import Idempotency, Traits
from outbound.deadline import Deadline
from payments import refusals
from payments.gateways import stripe_objects
from payments.gateways.protocol import (
    GatewayRefund,
    Intent,
    LedgerPage,
    LedgerPayment,
    NewIntent,
    UnexpectedAnswer,
    WebhookEvent,
    WebhookForged,
)
from payments.gateways.stripe_http import DeadlineHTTPClient
from payments.gateways.stripe_money import NotRepresentable, to_minor

UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
PAGE: Final = 100
"""Payments asked for at a time: Stripe's limit."""
WEBHOOK_TOLERANCE: Final = 300
"""Seconds that a signature stays good."""


class StripeGateway:
    """Stripe, or whatever answers in its shape at `STRIPE_API_BASE`.

    Source: docs.stripe.com/payments/place-a-hold-on-a-payment-method, docs.stripe.com/api/idempotent_requests
    (a 500 is saved under its key, so that only another key can succeed after it).
    """

    lists_payments = True

    def __init__(self) -> None:
        """Read how long an unanswered request may still take effect."""
        self.traits = Traits(
            idempotency=Idempotency.A,
            quiet_seconds=settings.PAYMENT_QUIET_SECONDS,
            saves_errors=True,
        )

    def create(self, *, intent: NewIntent, key: str, deadline: Deadline) -> Intent:
        """Open a payment without asking anything of the card. Raises: PaymentDetailsRefused."""
        try:
            params = _params(intent)
            with _speaking(deadline, stripe.CardError, stripe.InvalidRequestError) as client:
                created = client.payment_intents.create(params, {"idempotency_key": key})
        except (NotRepresentable, stripe.CardError) as error:
            raise refusals.PaymentDetailsRefused(stripe_objects.message(error)) from error
        except stripe.InvalidRequestError as error:
            if error.param not in {"payment_method", "amount", "currency"}:
                raise UnexpectedAnswer(str(error.code)) from error
            raise refusals.PaymentDetailsRefused(stripe_objects.message(error)) from error
        return stripe_objects.intent(created)

    def retrieve(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Return a payment as it is now."""
        with _speaking(deadline) as client:
            return stripe_objects.intent(client.payment_intents.retrieve(intent_id))

    def confirm(self, *, intent_id: str, key: str, return_url: str, deadline: Deadline) -> Intent:
        """Ask the card for the amount; what is past that point is returned as it is.

        Raises:
            Declined: the card's issuer says no.
        """
        try:
            with _speaking(deadline, stripe.CardError, stripe.InvalidRequestError) as client:
                confirmed = client.payment_intents.confirm(
                    intent_id, {"return_url": return_url}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            raise stripe_objects.declined(error) from error
        except stripe.InvalidRequestError as error:
            return self._past(intent_id, error, deadline)
        return stripe_objects.intent(confirmed)

    def capture(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> Intent:
        """Take the amount; what is past that point is returned as it is.

        Raises:
            Declined: the card's issuer says no.
        """
        minor = to_minor(amount=amount, currency=currency)
        try:
            with _speaking(deadline, stripe.CardError, stripe.InvalidRequestError) as client:
                captured = client.payment_intents.capture(
                    intent_id, {"amount_to_capture": minor}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            raise stripe_objects.declined(error) from error
        except stripe.InvalidRequestError as error:
            return self._past(intent_id, error, deadline)
        return stripe_objects.intent(captured)

    def cancel(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Cancel a payment that is not captured; what cannot be cancelled is returned as it is.

        Without a key of ours: the state makes it safe to repeat, and a saved 500 cannot block it.
        """
        try:
            with _speaking(deadline, stripe.InvalidRequestError) as client:
                cancelled = client.payment_intents.cancel(intent_id)
        except stripe.InvalidRequestError as error:
            return self._past(intent_id, error, deadline)
        return stripe_objects.intent(cancelled)

    def refund(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> GatewayRefund:
        """Give an amount back. Raises: RefundRefused."""
        minor = to_minor(amount=amount, currency=currency)
        try:
            with _speaking(deadline, stripe.CardError, stripe.InvalidRequestError) as client:
                refund = client.refunds.create(
                    {"payment_intent": intent_id, "amount": minor, "metadata": {"key": key}},
                    {"idempotency_key": key},
                )
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise refusals.RefundRefused(stripe_objects.message(error)) from error
        return stripe_objects.refund(refund)

    def refund_rest(self, *, intent_id: str, deadline: Deadline) -> None:
        """Give back all that is left of a captured payment; repeating it cannot give more."""
        try:
            with _speaking(deadline, stripe.InvalidRequestError) as client:
                client.refunds.create({"payment_intent": intent_id})
        except stripe.InvalidRequestError as error:
            if error.code != "charge_already_refunded":
                raise UnexpectedAnswer(str(error.code)) from error

    def refunds_of(self, *, intent_id: str, deadline: Deadline) -> list[GatewayRefund]:
        """Return what was given back of a payment."""
        with _speaking(deadline) as client:
            page = client.refunds.list({"payment_intent": intent_id, "limit": 100})
        return [
            stripe_objects.refund(refund)
            for refund in page.data
            if stripe_objects.was_given(refund)
        ]

    def list_payments(
        self, *, created_from: datetime, created_until: datetime, after: str, deadline: Deadline
    ) -> LedgerPage:
        """Return a page of the payments created in [from, until), to the second; the newest first."""
        # Whole seconds: what begins or ends within one is asked for as a whole.
        window = {"gte": int(created_from.timestamp()), "lt": ceil(created_until.timestamp())}
        params: Any = {"created": window, "limit": PAGE, "expand": ["data.latest_charge"]}
        if after:
            params["starting_after"] = after
        with _speaking(deadline) as client:
            page = client.payment_intents.list(params)
        return LedgerPage(
            payments=[stripe_objects.ledger_payment(found) for found in page.data],
            next=page.data[-1].id if page.has_more and page.data else "",
        )

    def ledger_payment(self, *, intent_id: str, deadline: Deadline) -> LedgerPayment:
        """Return one payment as the ledger has it."""
        with _speaking(deadline) as client:
            found = client.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})
        return stripe_objects.ledger_payment(found)

    def read_webhook(self, *, body: bytes, signature: str) -> WebhookEvent:
        """Return a message that one of our secrets signed. Raises: WebhookForged.

        There are two, separated by a comma, while one takes over from the other.
        """
        if not signature.isascii():
            raise WebhookForged("the signature is not readable")  # the SDK cannot compare it
        secrets = settings.STRIPE_WEBHOOK_SECRET.split(",")
        if not any(_fits(body, signature, secret) for secret in secrets):
            raise WebhookForged("the signature does not fit the body")
        try:
            return stripe_objects.webhook_event(body)
        except (ValueError, msgspec.MsgspecError) as error:
            raise WebhookForged("the signed body is no event") from error

    def _past(
        self, intent_id: str, error: stripe.InvalidRequestError, deadline: Deadline
    ) -> Intent:
        """Return a payment whose state no longer allows what was asked.

        Raises:
            UnexpectedAnswer: the error is another one.
        """
        if error.code != UNEXPECTED_STATE:
            raise UnexpectedAnswer(str(error.code)) from error
        return self.retrieve(intent_id=intent_id, deadline=deadline)


def _fits(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, WEBHOOK_TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


@contextmanager
def _speaking(
    deadline: Deadline, *answers: type[stripe.StripeError]
) -> Iterator["stripe.V1Services"]:
    """Speak to Stripe within a deadline; pass on the errors that are `answers` to what was asked.

    Raises:
        UnexpectedAnswer: any other error of the SDK: nothing is known.
    """
    client = stripe.StripeClient(
        settings.STRIPE_API_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=0,
        http_client=DeadlineHTTPClient(deadline),
    )
    try:
        yield client.v1
    except answers:
        raise
    except stripe.StripeError as error:
        raise UnexpectedAnswer(f"{type(error).__name__} {error.http_status}") from error


def _params(intent: NewIntent) -> Any:
    return {
        "amount": to_minor(amount=intent.amount, currency=intent.currency),
        "currency": intent.currency.lower(),
        "capture_method": "manual",
        "payment_method": intent.method,
        "payment_method_types": ["card"],
        "metadata": {
            "reservation_id": str(intent.reservation_id),
            "payment_id": str(intent.payment_id),
        },
    }

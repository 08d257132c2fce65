"""The door of the Payments service: details, authorise, capture, void, refund; webhooks; ledgers."""

from typing import Final

from payments.details import (
    PaymentDetails,
    PaymentGatewayUnavailable,
    Takings,
    enter_payment_details,
    is_ready,
    payment_of,
    payments_of,
    takings,
)
from payments.domain import PaymentStatus
from payments.gateways.protocol import WebhookForged
from payments.ledgers import (
    PaymentAtProcessor,
    PaymentInBooks,
    ProcessorLedger,
    list_processor_payments,
    look_up_payments,
    payments_in_books,
    unlisted_reservations,
)
from payments.operations import Authorise, Capture
from payments.refusals import (
    AuthenticationFailed,
    AuthorisationLost,
    CaptureStands,
    CardNumberRefused,
    Declined,
    PaymentDetailsMissing,
    PaymentDetailsRefused,
    PaymentInProgress,
    PriceMismatch,
    RefundRefused,
)
from payments.returning import Annul, GiveBack, Refund, Void
from payments.webhooks import receive_webhook

__all__ = [
    "ON_THE_PAYMENT",
    "Annul",
    "AuthenticationFailed",
    "AuthorisationLost",
    "Authorise",
    "Capture",
    "CaptureStands",
    "CardNumberRefused",
    "Declined",
    "GiveBack",
    "PaymentAtProcessor",
    "PaymentDetails",
    "PaymentDetailsMissing",
    "PaymentDetailsRefused",
    "PaymentGatewayUnavailable",
    "PaymentInBooks",
    "PaymentInProgress",
    "PaymentStatus",
    "PriceMismatch",
    "ProcessorLedger",
    "Refund",
    "RefundRefused",
    "Takings",
    "Void",
    "WebhookForged",
    "enter_payment_details",
    "is_ready",
    "list_processor_payments",
    "look_up_payments",
    "payment_of",
    "payments_in_books",
    "payments_of",
    "receive_webhook",
    "takings",
    "unlisted_reservations",
]

ON_THE_PAYMENT: Final[frozenset[type]] = frozenset({Authorise, Capture, Refund})
"""What a flow does to the payment of a trip; their compensations void it."""

"""The door of the Payments service: details, authorise, capture, void, refund; webhooks."""

from payments.details import (
    PaymentDetails,
    PaymentGatewayUnavailable,
    enter_payment_details,
    is_ready,
    payment_of,
)
from payments.domain import PaymentStatus
from payments.gateways.protocol import WebhookForged
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
from payments.returning import Annul, Refund, Void
from payments.webhooks import receive_webhook

__all__ = [
    "Annul",
    "AuthenticationFailed",
    "AuthorisationLost",
    "Authorise",
    "Capture",
    "CaptureStands",
    "CardNumberRefused",
    "Declined",
    "PaymentDetails",
    "PaymentDetailsMissing",
    "PaymentDetailsRefused",
    "PaymentGatewayUnavailable",
    "PaymentInProgress",
    "PaymentStatus",
    "PriceMismatch",
    "Refund",
    "RefundRefused",
    "Void",
    "WebhookForged",
    "enter_payment_details",
    "is_ready",
    "payment_of",
    "receive_webhook",
]

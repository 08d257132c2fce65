"""The card processor's messages: stored first, and taken as a hint only."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from payments.gateways.registry import gateway
from payments.models import Payment, WebhookDelivery


def receive_webhook(*, body: bytes, signature: str) -> UUID | None:
    """Store a message once; return the reservation whose payment is to be asked about.

    None: it came before, or is about no payment of ours. The payload is never believed. Call it
    in the transaction that acts on the answer, so that a message counts as received only then.

    Raises:
        WebhookForged: the signature does not fit the body, or is old.
    """
    event = gateway().read_webhook(body=body, signature=signature)
    with transaction.atomic():
        reservation_id = _reservation_of(event.intent_id)
        _, is_new = WebhookDelivery.objects.get_or_create(
            event_id=event.event_id,
            defaults={
                "type": event.type,
                "payload": event.payload,
                "reservation_id": reservation_id,
                # The reconciler looks for them by the database's clock.
                "received_at": Now(),
                "processed_at": Now() if reservation_id else None,
            },
        )
    return reservation_id if is_new else None


def _reservation_of(intent_id: str) -> UUID | None:
    payments = Payment.objects.filter(gateway_payment_id=intent_id)
    return payments.values_list("reservation_id", flat=True).first()

"""The other side of the comparison, from the words of the services into those of the comparison."""

from collections.abc import Iterable

from booking.reconciler.comparison import Ledgers, TheirOrder, TheirPayment
from payments import services as payments
from providers import services as providers


def ledgers(
    orders: Iterable[providers.OrderAtPartner], paid: Iterable[payments.PaymentAtProcessor]
) -> Ledgers:
    """Return what stands at partners, and what became of payments."""
    return Ledgers(
        orders=tuple(
            TheirOrder(
                provider_id=str(order.provider_id),
                partner=order.partner,
                handle=order.handle,
                order_id=order.order_id,
                item_id=str(order.item_id),
                amount=order.amount,
                currency=order.currency,
            )
            for order in orders
            if order.standing
        ),
        payments=tuple(
            TheirPayment(
                intent_id=payment.intent_id,
                held=payment.held,
                captured=payment.captured,
                refunded=payment.refunded,
                currency=payment.currency,
            )
            for payment in paid
        ),
    )


def our_word(order: providers.OrderInBooks) -> TheirOrder:
    """Return an order as we have it: for a partner that cannot tell."""
    return TheirOrder(
        provider_id=str(order.provider_id),
        partner="",
        handle=order.key,
        order_id=order.order_id,
        item_id=str(order.item_id),
        amount=order.amount,
        currency=order.currency,
    )

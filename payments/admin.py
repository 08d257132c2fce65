"""Payments in the web admin: to look at, never to edit."""

from django.contrib import admin

from backoffice.pages import LookOnlyPage
from payments.models import Payment, Refund, WebhookDelivery


@admin.register(Payment)
class PaymentAdmin(LookOnlyPage):
    """Payments, newest first."""

    list_display = ("id", "status", "amount", "captured_amount", "refunded_amount", "currency")
    list_filter = ("status", "currency")
    search_fields = ("reservation_id", "gateway_payment_id")
    ordering = ("-created_at",)


@admin.register(Refund)
class RefundAdmin(LookOnlyPage):
    """Refunds, newest first."""

    list_display = ("gateway_refund_id", "amount", "created_at")
    search_fields = ("gateway_refund_id", "payment__reservation_id")
    ordering = ("-created_at",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LookOnlyPage):
    """The processor's messages, newest first."""

    list_display = ("event_id", "type", "reservation_id", "received_at", "processed_at")
    list_filter = ("type",)
    ordering = ("-received_at",)

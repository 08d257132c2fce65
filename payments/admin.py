"""Payments in the web admin: to look at, never to edit."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from payments.models import Payment, Refund, WebhookDelivery


class LookOnly:
    """Refuse every change: the service's door is the only way in."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(Payment)
class PaymentAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """Payments, newest first."""

    list_display = ("id", "status", "amount", "captured_amount", "refunded_amount", "currency")
    list_filter = ("status", "currency")
    search_fields = ("reservation_id", "gateway_payment_id")
    ordering = ("-created_at",)


@admin.register(Refund)
class RefundAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """Refunds, newest first."""

    list_display = ("gateway_refund_id", "amount", "created_at")
    search_fields = ("gateway_refund_id", "payment__reservation_id")
    ordering = ("-created_at",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """The processor's messages, newest first."""

    list_display = ("event_id", "type", "reservation_id", "received_at", "processed_at")
    list_filter = ("type",)
    ordering = ("-received_at",)

"""Partners and orders in the web admin: to look at, never to edit."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from providers.models import Order, Partner


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


@admin.register(Partner)
class PartnerAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """Partners by name."""

    list_display = ("name", "slug", "kind", "gateway", "active", "left_alone_until")
    list_filter = ("kind", "active")
    list_select_related = ("breaker",)
    ordering = ("name",)

    @admin.display(description="left alone until")
    def left_alone_until(self, partner: Partner) -> datetime | None:
        """Return until when the partner's breaker is open; nothing for a healthy one."""
        breaker = getattr(partner, "breaker", None)
        return breaker.open_until if breaker else None


@admin.register(Order)
class OrderAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """Orders, newest first."""

    list_display = ("confirmation_code", "partner", "status", "amount", "currency", "booked_at")
    list_filter = ("status", "partner")
    search_fields = ("reservation_id", "confirmation_code", "partner_reference", "key")
    ordering = ("-booked_at",)
    list_select_related = ("partner",)

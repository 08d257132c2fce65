"""Partners and orders in the web admin: partners are added, nothing is edited."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backoffice.pages import LookOnlyPage
from providers import services
from providers.forms import PartnerForm
from providers.models import Order, Partner


@admin.register(Partner)
class PartnerAdmin(LookOnlyPage):
    """Partners by name; one is added through its command, which tells the world."""

    form = PartnerForm
    fields = ("slug", "name", "kind", "gateway", "base_url")
    list_display = ("name", "slug", "kind", "gateway", "active", "left_alone_until")
    list_filter = ("kind", "active")
    list_select_related = ("breaker",)
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest, obj: Partner | None = None) -> bool:
        """Let those add who may."""
        return request.user.has_perm("providers.add_partner")

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        """Add the partner through its command."""
        described = {name: form.cleaned_data[name] for name in self.fields}
        obj.pk = services.register_partner(**described)

    @admin.display(description="left alone until")
    def left_alone_until(self, partner: Partner) -> datetime | None:
        """Return until when the partner's breaker is open; nothing for a healthy one."""
        breaker = getattr(partner, "breaker", None)
        return breaker.open_until if breaker else None


@admin.register(Order)
class OrderAdmin(LookOnlyPage):
    """Orders, newest first."""

    list_display = ("confirmation_code", "partner", "status", "amount", "currency", "booked_at")
    list_filter = ("status", "partner")
    search_fields = ("reservation_id", "confirmation_code", "partner_reference", "key")
    ordering = ("-booked_at",)
    list_select_related = ("partner",)

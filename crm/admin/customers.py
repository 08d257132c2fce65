"""Customers: who they are, and what they and a provider have been through together, on one page."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from crm import models, selectors
from crm.admin.desks import Desk, user_of, writable

SHOWN = 100
"""So many entries of a timeline are shown; the rest is on the page of interactions."""


@admin.register(models.Profile)
class ProfileAdmin(Desk):
    """Travellers, as far as they are customers."""

    path_to_provider = "relationships__provider"
    list_display = ("full_name", "email", "locale", "first_seen_at")
    search_fields = ("full_name", "email")


@admin.register(models.Relationship)
class RelationshipAdmin(Desk):
    """What a provider and a traveller have been through together."""

    list_display = (
        "customer",
        "provider",
        "confirmed_trips",
        "cancelled_trips",
        "failed_trips",
        "last_booking_at",
    )
    list_filter = ("provider__kind",)
    list_select_related = ("profile", "provider")
    search_fields = ("profile__full_name", "profile__email")

    @admin.display(description="customer", ordering="profile__full_name")
    def customer(self, row: models.Relationship) -> str:
        """Return who it is."""
        return str(row.profile)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a customer with everything that the provider knows."""
        row = self.get_object(request, object_id)
        if row is None or request.method != "GET" or not self.has_view_permission(request):
            # Not theirs, or an attempt to change it: refused as on every page.
            answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return answer
        context = {
            **self.admin_site.each_context(request),
            **self._facts(request, row),
            "opts": self.opts,
        }
        return TemplateResponse(request, "crm/admin/customer.html", context)

    def _facts(self, request: HttpRequest, row: models.Relationship) -> dict[str, Any]:
        about = {"provider_id": row.provider_id, "account_id": row.profile_id}
        asked = urlencode({"provider": row.provider_id, "account_id": row.profile_id})
        values = selectors.lifetime_values(
            provider_id=row.provider_id, account_ids=[row.profile_id]
        )
        writes = writable(user_of(request)).filter(pk=row.provider_id).exists()
        return {
            "relationship": row,
            "title": f"{row.profile} at {row.provider}",
            "values": values.get(row.profile_id, []),
            "timeline": selectors.timeline(**about)[:SHOWN],
            "notes": selectors.notes(**about)[:SHOWN],
            "preferences": selectors.preferences(**about),
            "messages_sent": selectors.messages(**about)[:SHOWN],
            "add_note": writes
            and request.user.has_perm("crm.add_note")
            and f"{reverse('admin:crm_note_add')}?{asked}",
            "add_consent": writes
            and request.user.has_perm("crm.add_consent")
            and f"{reverse('admin:crm_consent_add')}?{asked}",
        }


@admin.register(models.Interaction)
class InteractionAdmin(Desk):
    """The timeline."""

    list_display = ("occurred_at", "kind", "profile", "provider", "summary")
    list_filter = ("kind", "direction")
    list_select_related = ("profile", "provider")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the login may see; a trip that never reached the provider is not told."""
        return models.Interaction.told(super().get_queryset(request))


@admin.register(models.Message)
class MessageAdmin(Desk):
    """Messages, and how far they have got."""

    list_display = ("queued_at", "profile", "provider", "purpose", "subject", "status", "reason")
    list_filter = ("status", "purpose")
    list_select_related = ("profile", "provider")

"""Flows in the back office: a list of them, and the page of the reservation that each is about."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from backoffice.deeds import DoesDeeds
from backoffice.pages import LookOnlyPage
from booking.admin import deeds
from booking.admin.trip import Trip, at_stake, taken_back, trip
from booking.models import SagaInstance

NOW: Final = "booking/admin/trip_now.html"
"""The part of the page that changes while a flow runs."""

TONES: Final = {
    "running": "info",
    "pivoting": "info",
    "finishing": "info",
    "compensating": "warning",
    "completed": "success",
    "failed": "danger",
}
"""State -> the theme's name of its colour."""


class NeedsAPerson(admin.SimpleListFilter):
    """Sagas that wait for a person."""

    title = "needs a person"
    parameter_name = "parked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Offer the one choice."""
        return [("yes", "Yes")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[SagaInstance]
    ) -> QuerySet[SagaInstance]:
        """Keep the parked ones."""
        return queryset.exclude(attention_reason=None) if self.value() else queryset


@admin.register(SagaInstance)
class SagaAdmin(DoesDeeds, LookOnlyPage):
    """Flows: what they do, what they wait for, what a person must look at."""

    list_display = (
        "name",
        "reservation",
        "standing",
        "reason",
        "attention_reason",
        "stake",
        "compensation",
        "due_at",
    )
    list_filter = (NeedsAPerson, "state", "name")
    search_fields = ("=id", "=subject_id", "=correlation_id")
    ordering = ("-created_at",)
    actions = ("retry", "resolve", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SagaInstance]:
        """Read the calls of all sagas of a page at once."""
        found: QuerySet[SagaInstance] = super().get_queryset(request)
        return found.prefetch_related("calls")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of a reservation, and the part of it that is asked for again and again."""
        view, live = self.admin_site.admin_view(self.trip), self.admin_site.admin_view(self.live)
        pages = [
            path("trip/<uuid:reservation_id>/", view, name="booking_trip"),
            path("trip/<uuid:reservation_id>/live/", live, name="booking_trip_live"),
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead to the page of the reservation; nothing of a saga is edited."""
        saga = self.get_object(request, object_id)
        if saga is None or request.method != "GET":
            answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return answer
        return HttpResponseRedirect(reverse("admin:booking_trip", args=[saga.subject_id]))

    def trip(self, request: HttpRequest, reservation_id: UUID) -> HttpResponse:
        """Show everything about a reservation."""
        found = self._seen(request, reservation_id)
        context = {
            **self.admin_site.each_context(request),
            **self._facts(request, found),
            "title": f"Reservation {reservation_id}",
            "opts": self.opts,
        }
        return TemplateResponse(request, "booking/admin/trip.html", context)

    def live(self, request: HttpRequest, reservation_id: UUID) -> HttpResponse:
        """Return the part of the page that changes, or 304 where it has not."""
        facts = self._facts(request, self._seen(request, reservation_id))
        # The token of the forms is another one each time: what it hides has changed only if this has.
        plain = render_to_string(NOW, {**facts, "csrf_token": "-"})
        tag = f'"{hashlib.sha256(plain.encode()).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == tag:
            return HttpResponseNotModified()
        body = render_to_string(NOW, facts, request=request)
        return HttpResponse(body, headers={"ETag": tag})

    def _seen(self, request: HttpRequest, reservation_id: UUID) -> Trip:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return trip(reservation_id=reservation_id)

    def _facts(self, request: HttpRequest, found: Trip) -> dict[str, Any]:
        return {
            "trip": found,
            "may_act": self.has_operate_permission(request),
            "changelist": reverse("admin:booking_sagainstance_changelist"),
            "here": reverse("admin:booking_trip", args=[found.reservation_id]),
        }

    @display(description="state", ordering="state", label=TONES)  # type: ignore[untyped-decorator]
    def standing(self, saga: SagaInstance) -> str:
        """Return the state, to be shown on its colour."""
        return saga.state

    @admin.display(description="reservation", ordering="subject_id")
    def reservation(self, saga: SagaInstance) -> str:
        """Return what the flow is about."""
        return str(saga.subject_id)

    @admin.display(description="taken back")
    def compensation(self, saga: SagaInstance) -> str:
        """Say how far a saga is taken back."""
        return taken_back(saga) or "–"

    @admin.display(description="at stake")
    def stake(self, saga: SagaInstance) -> str:
        """Return what a parked saga may cost until a person has acted."""
        return at_stake(saga)

    @admin.action(description="Try again", permissions=["operate"])
    def retry(self, request: HttpRequest, rows: QuerySet[SagaInstance]) -> HttpResponse:
        """Let parked sagas try again; who and why are kept in their history."""
        return self.ask_and_do(request, rows, deeds.RETRY)

    @admin.action(description="Settle a call", permissions=["operate"])
    def resolve(self, request: HttpRequest, rows: QuerySet[SagaInstance]) -> HttpResponse:
        """Settle a call by hand, with evidence."""
        return self.ask_and_do(request, rows, deeds.RESOLVE)

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, rows: QuerySet[SagaInstance]) -> HttpResponse:
        """Ask running sagas to turn back, as their customers could; cancel confirmed trips."""
        return self.ask_and_do(request, rows, deeds.CANCEL)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Let those act who may change sagas."""
        return request.user.has_perm("booking.change_sagainstance")

"""The books in the back office: where ours and those of the other side differ, and when they were compared."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from backoffice.deeds import Deed, DoesDeeds
from backoffice.pages import LookOnlyPage
from booking import discrepancies
from booking.models import Discrepancy, Reconciliation


class StillOpen(admin.SimpleListFilter):
    """Discrepancies that nobody has settled."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Offer the one choice."""
        return [("yes", "Yes")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Discrepancy]
    ) -> QuerySet[Discrepancy]:
        """Keep the open ones."""
        return queryset.filter(settled_at=None) if self.value() else queryset


def _settle(row: Discrepancy, actor: str, said: Mapping[str, Any]) -> str:
    discrepancies.settle_by_hand(number=row.pk, actor=actor, evidence=said["reason"])
    return f"{row.pk} is settled."


SETTLE: Final = Deed(
    name="settle",
    title="Settle by hand",
    explains="The difference was put right by a person. The reason says how that is known: a ticket, a"
    " partner's answer. If the same is found again with the same facts, it counts as settled.",
    act=_settle,
    refusals=(discrepancies.DiscrepancyNotOpen, discrepancies.BeingTakenBack),
)


@admin.register(Discrepancy)
class DiscrepancyAdmin(DoesDeeds, LookOnlyPage):
    """Where our books and those of the other side differ; the runbook says what each kind means."""

    list_display = (
        "id",
        "kind",
        "what",
        "reservation_id",
        "remedy",
        "reason",
        "found_at",
        "outcome",
    )
    list_filter = (StillOpen, "kind", "outcome")
    search_fields = ("=reservation_id", "what")
    ordering = ("-id",)
    actions = ("settle",)

    @admin.action(description="Settle by hand", permissions=["settle"])
    def settle(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> HttpResponse:
        """Settle what waits for a person; who and on what evidence is kept with it."""
        return self.ask_and_do(request, queryset, SETTLE)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Let those settle who may change discrepancies."""
        return request.user.has_perm("booking.change_discrepancy")


@admin.register(Reconciliation)
class ReconciliationAdmin(LookOnlyPage):
    """When our books were last compared, and who did not show a ledger."""

    list_display = (
        "started_at",
        "finished_at",
        "full",
        "examined",
        "found",
        "taken_back",
        "silent",
    )
    list_filter = ("full",)
    ordering = ("-id",)

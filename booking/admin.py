"""Booking in the back office: travellers and sagas are looked at; a parked saga can be let try again, a running one cancelled."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import mark_safe
from unfold.admin import TabularInline

from booking import discrepancies, tasks
from booking.models import (
    Account,
    Discrepancy,
    Reconciliation,
    SagaEvent,
    SagaInstance,
    SagaStep,
)
from booking.orchestrator import control, history
from booking.orchestrator.compensation import compensation_of
from booking.orchestrator.diagram import boxes_of
from booking.orchestrator.exposure import totals
from booking.orchestrator.operations import shape_of
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.svg import svg
from eventbus.admin import ReadOnlyAdmin, SettlementForm


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Who travels."""

    list_display = ("full_name", "user", "locale", "created_at")
    list_select_related = ("user",)
    search_fields = ("full_name", "user__email", "id")


class _ReadOnlyInline(TabularInline):  # type: ignore[misc]  # unfold has no types
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: only the engine writes."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: only the engine writes."""
        return False


class StepInline(_ReadOnlyInline):
    """Every call of a saga: where it stands, how often it was tried, its line in the table."""

    model = SagaStep
    fields = ("step", "item", "direction", "state", "tries", "due_at", "reason", "error", "code")
    readonly_fields = ("code",)
    ordering = ("id",)

    @admin.display(description="code")
    def code(self, call: SagaStep) -> str:
        """Return the line of the table."""
        return history.source_of(call.saga.name, call.step)


class EventInline(_ReadOnlyInline):
    """What happened, oldest first."""

    model = SagaEvent
    fields = ("at", "kind", "step", "item", "tries", "actor", "detail")
    ordering = ("id",)


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
class SagaAdmin(ReadOnlyAdmin):
    """Flows: what they do, what they wait for, what a person must look at."""

    list_display = (
        "name",
        "subject_id",
        "state",
        "compensation",
        "reason",
        "attention_reason",
        "at_stake",
        "due_at",
    )
    readonly_fields = ("compensation", "at_stake", "picture")
    list_filter = (NeedsAPerson, "state", "name")
    search_fields = ("=id", "=subject_id", "=correlation_id")
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines = (StepInline, EventInline)
    action_form = SettlementForm
    actions = ("retry", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SagaInstance]:
        """Read the calls of all sagas of a page at once."""
        found: QuerySet[SagaInstance] = super().get_queryset(request)
        return found.prefetch_related("calls")

    @admin.display(description="taken back")
    def compensation(self, saga: SagaInstance) -> str:
        """Say how far a saga is taken back."""
        return compensation_of(saga.state, saga.calls.all()).replace("_", " ") or "–"

    @admin.display(description="picture")
    def picture(self, saga: SagaInstance) -> str:
        """Draw the saga as it stands."""
        boxes = boxes_of(shape_of(saga), REGISTRY.get(saga.name), saga.calls.order_by("id"))
        said = ": ".join(part for part in (saga.state, saga.reason, saga.attention_reason) if part)
        # Everything in it that is not ours is escaped where it is drawn.
        return mark_safe(svg(boxes, title=f"{saga.name} v{saga.version}", subtitle=said))  # noqa: S308

    @admin.display(description="at stake")
    def at_stake(self, saga: SagaInstance) -> str:
        """Return what a parked saga may cost until a person has acted: by currency, and call by call."""
        found = history.exposure_of_saga(saga)
        calls = ", ".join(f"{one.step} {one.item}".strip() for one in found)
        sums = " + ".join(f"{amount} {code}" for code, amount in totals(found).items())
        return f"{sums} ({calls})" if found else ""

    @admin.action(description="Let try again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[SagaInstance]) -> None:
        """Let parked sagas try again; who and why are kept in their history."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Give a reason.", messages.ERROR)
            return
        for saga in queryset:
            self._retry(request, saga, reason)

    @admin.action(description="Cancel", permissions=["retry"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[SagaInstance]) -> None:
        """Ask running sagas to turn back, as their customers could; who and why are kept."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Give a reason.", messages.ERROR)
            return
        for saga in queryset:
            self._cancel(request, saga, reason)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Let those retry who may change sagas."""
        return request.user.has_perm("booking.change_sagainstance")

    def _cancel(self, request: HttpRequest, saga: SagaInstance, reason: str) -> None:
        if saga.finished_at is not None:
            self.message_user(request, f"{saga.pk} is {saga.state}.", messages.WARNING)
            return
        try:
            control.request_cancel(
                subject_id=saga.subject_id, actor=str(request.user), reason=reason
            )
        except control.TooLate as error:
            self.message_user(request, str(error), messages.WARNING)
            return
        tasks.dispatch(saga.pk)
        self.message_user(request, f"{saga.pk} turns back.", messages.SUCCESS)

    def _retry(self, request: HttpRequest, saga: SagaInstance, reason: str) -> None:
        try:
            control.retry(saga_id=saga.pk, actor=str(request.user), reason=reason)
        except control.NotParked as error:
            self.message_user(request, str(error), messages.WARNING)
            return
        tasks.dispatch(saga.pk)
        self.message_user(request, f"{saga.pk} tries again.", messages.SUCCESS)


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


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
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
    action_form = SettlementForm
    actions = ("settle",)

    @admin.action(
        description="Settled by hand (the reason says how that is known)", permissions=["settle"]
    )
    def settle(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> None:
        """Settle what waits for a person; who and on what evidence is kept with it."""
        evidence = request.POST.get("reason", "").strip()
        if not evidence:
            self.message_user(request, "Give a reason.", messages.ERROR)
            return
        for row in queryset:
            self._settle(request, row, evidence)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Let those settle who may change discrepancies."""
        return request.user.has_perm("booking.change_discrepancy")

    def _settle(self, request: HttpRequest, row: Discrepancy, evidence: str) -> None:
        try:
            discrepancies.settle_by_hand(number=row.pk, actor=str(request.user), evidence=evidence)
        except (discrepancies.DiscrepancyNotOpen, discrepancies.BeingTakenBack) as error:
            self.message_user(request, str(error), messages.WARNING)
            return
        self.message_user(request, f"{row.pk} is settled.", messages.SUCCESS)


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
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

"""Booking on the first page: flows by state, what waits for a person, what failed, what was taken."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count
from django.http import HttpRequest

from backoffice import charts
from backoffice.home import panel
from booking import discrepancies, selectors
from booking.models import SagaInstance
from booking.orchestrator import store
from booking.orchestrator.exposure import Exposure, totals
from payments import services as payments

TONES: Final = {
    "running": "busy",
    "pivoting": "busy",
    "finishing": "busy",
    "compensating": "wait",
    "completed": "good",
    "failed": "bad",
    "cancelled": "plain",
}
"""State -> tone of its bar; also the order of the bars."""

DAYS: Final = 14

LOOKED_AT: Final = 25
"""What is at stake is summed up for so many parked flows, the oldest; each is read on its own."""


def _sees_flows(request: HttpRequest) -> bool:
    return request.user.has_perm("booking.view_sagainstance")


def _sees_money(request: HttpRequest) -> bool:
    return request.user.has_perm("payments.view_payment")


@panel(order=10, template="booking/admin/home_flows.html", may_see=_sees_flows)
def flows(request: HttpRequest) -> dict[str, Any]:
    """Return how many flows are in each state: those that are not over, and those begun today (UTC)."""
    midnight = _midnight()
    counts = _by_state(SagaInstance.objects.filter(finished_at=None))
    counts.update(
        _by_state(SagaInstance.objects.filter(finished_at__isnull=False, created_at__gte=midnight))
    )
    values = [
        charts.Value(
            label=state,
            amount=Decimal(counts.get(state, 0)),
            shown=str(counts.get(state, 0)),
            tone=tone,
        )
        for state, tone in TONES.items()
    ]
    return {
        "chart": charts.bars(values, title="Flows by state"),
        "failures": SagaInstance.objects.filter(
            state="failed", created_at__gte=midnight - timedelta(days=6)
        ).order_by("-created_at")[:6],
    }


@panel(order=0, template="booking/admin/home_waiting.html", may_see=_sees_flows)
def waiting(request: HttpRequest) -> dict[str, Any]:
    """Return what waits for a person, the oldest first, and what is at stake."""
    parked = selectors.parked_sagas(limit=LOOKED_AT)
    return {
        "parked": parked[:6],
        "parked_count": SagaInstance.objects.exclude(attention_reason=None).count(),
        "looked_at": LOOKED_AT,
        "stake": _sums([one for saga in parked for one in saga.exposure]),
        "discrepancies": discrepancies.open_ones().count(),
    }


@panel(order=20, template="booking/admin/home_money.html", may_see=_sees_money)
def money(request: HttpRequest) -> dict[str, Any]:
    """Return what was taken and kept on each of the last days, a chart for each currency."""
    today = _midnight()
    takings = payments.takings(since=today - timedelta(days=DAYS - 1))
    days = [(today - timedelta(days=DAYS - 1 - ago)).date() for ago in range(DAYS)]
    revenues = []
    for currency in sorted({one.currency for one in takings}):
        kept = {one.day: one.kept for one in takings if one.currency == currency}
        values = [
            charts.Value(
                label=f"{day:%d %b}",
                amount=kept.get(day, Decimal(0)),
                shown=f"{kept.get(day, Decimal(0)):,.2f} {currency}",
                tone="good",
            )
            for day in days
        ]
        revenues.append(
            {
                "currency": currency,
                "today": kept.get(days[-1], Decimal(0)),
                "total": sum(kept.values(), Decimal(0)),
                "chart": charts.columns(values, title=f"Confirmed revenue in {currency} by day"),
            }
        )
    return {"revenues": revenues, "days": DAYS}


def _by_state(sagas: Any) -> dict[str, int]:
    return dict(sagas.values_list("state").annotate(n=Count("pk")))


def _midnight() -> datetime:
    return store.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _sums(exposures: Sequence[Exposure]) -> str:
    return " + ".join(f"{amount} {code}" for code, amount in totals(exposures).items())

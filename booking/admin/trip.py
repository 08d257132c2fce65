"""Everything about one reservation on one page: its flows as pictures, their calls, the timeline, the money."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils.safestring import SafeString, mark_safe

from backoffice.deeds import Deed
from booking.admin import deeds
from booking.admin.naming import found, titled, titles_of
from booking.models import SagaInstance, SagaStep
from booking.orchestrator import history
from booking.orchestrator.compensation import compensation_of
from booking.orchestrator.diagram import LOOKS, boxes_of
from booking.orchestrator.exposure import totals
from booking.orchestrator.operations import shape_of
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.svg import svg
from payments import services as payments
from providers import services as providers
from reservation import services as reservation

VERBS: Final = {"forward": "", "compensate": "take back: ", "annul": "annul: "}
"""What is said before a step, by the direction of its call."""

IN_A_BOX: Final = 12
"""So many letters of an item's title go into a box of the picture, before its state."""

LONGEST: Final = 200
"""So much is shown of an error."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a flow, as an operator sees it."""

    row: SagaStep
    icon: str
    what: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """One entry of the timeline; `why` is the reason, the other side's code, the evidence or the error."""

    entry: history.Entry
    title: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One run of a flow."""

    saga: SagaInstance
    picture: SafeString
    attention: str
    compensation: str
    stake: str
    calls: Sequence[Call]
    buttons: Sequence[Deed]


@dataclass(frozen=True, kw_only=True)
class Trip:
    """What the page shows; `found` is None where the subject is no reservation of ours. Newest flow first."""

    reservation_id: UUID
    found: reservation.ReservationDetails | None
    flows: Sequence[Flow]
    orders: Sequence[providers.OrderDetails]
    payment: payments.PaymentDetails | None
    timeline: Sequence[Told]
    buttons: Sequence[Deed]

    @property
    def live(self) -> bool:
        """Whether something may change by itself: a flow is under way and waits for no person."""
        sagas = [flow.saga for flow in self.flows]
        return any(saga.finished_at is None and saga.attention_reason is None for saga in sagas)

    @property
    def status(self) -> str:
        """Where it stands, in one word: the reservation's status, or that of the newest flow."""
        newest = self.flows[0].saga.state if self.flows else "unknown"
        return self.found.status if self.found else newest


def trip(*, reservation_id: UUID) -> Trip:
    """Return everything about a reservation."""
    sagas = SagaInstance.objects.filter(subject_id=reservation_id).prefetch_related("calls")
    flows_seen = list(sagas.order_by("-created_at"))
    # After the flows: their end and the reservation's are committed together.
    details = found(reservation_id)
    titles = titles_of(details)
    entries = history.timeline(subject_id=reservation_id)
    return Trip(
        reservation_id=reservation_id,
        found=details,
        flows=[_flow(saga, titles) for saga in flows_seen],
        orders=providers.orders_of(reservation_id=reservation_id),
        payment=payments.payment_of(reservation_id=reservation_id),
        timeline=[_told(entry, titles) for entry in entries],
        buttons=[deeds.CANCEL] if _can_be_cancelled(details, flows_seen) else [],
    )


def _can_be_cancelled(
    details: reservation.ReservationDetails | None, flows: Sequence[SagaInstance]
) -> bool:
    """Whether a trip is booked and at rest: a flow that is live is cancelled by its own button."""
    at_rest = all(flow.finished_at is not None for flow in flows)
    return details is not None and details.status == reservation.Status.CONFIRMED and at_rest


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A call whose item is named as a traveller knows it."""

    step: str
    item: str
    direction: str
    state: str


def _picture(saga: SagaInstance, calls: Sequence[SagaStep], titles: dict[str, str]) -> SafeString:
    named = [
        _Named(
            step=call.step,
            item=_short(titles.get(call.item, call.item)),
            direction=call.direction,
            state=call.state,
        )
        for call in calls
    ]
    boxes = boxes_of(shape_of(saga), REGISTRY.get(saga.name), named)
    said = f"{saga.state}{', needs a person' if saga.attention_reason else ''}"
    # Everything in it that is not ours is escaped where it is drawn.
    return mark_safe(svg(boxes, title=f"{saga.name} v{saga.version}", subtitle=said))  # noqa: S308


def _short(title: str) -> str:
    """Return as much of a title as fits into a box beside a state."""
    return title if len(title) <= IN_A_BOX else f"{title[: IN_A_BOX - 1]}…"


def at_stake(saga: SagaInstance) -> str:
    """Return what a parked saga may cost until a person has acted: by currency, and call by call."""
    found = history.exposure_of_saga(saga)
    calls = ", ".join(f"{one.step} {one.item}".strip() for one in found)
    sums = " + ".join(f"{amount} {code}" for code, amount in totals(found).items())
    return f"{sums} ({calls})" if found else ""


def taken_back(saga: SagaInstance) -> str:
    """Say how far a saga is taken back."""
    return compensation_of(saga.state, saga.calls.all()).replace("_", " ")


def _flow(saga: SagaInstance, titles: dict[str, str]) -> Flow:
    calls = sorted(saga.calls.all(), key=lambda call: call.pk)
    return Flow(
        saga=saga,
        picture=_picture(saga, calls, titles),
        attention=titled(saga.attention_reason or "", titles),
        compensation=taken_back(saga),
        stake=titled(at_stake(saga), titles),
        calls=[_call(saga, call, titles) for call in calls],
        buttons=deeds.deeds_for(saga),
    )


def _call(saga: SagaInstance, call: SagaStep, titles: dict[str, str]) -> Call:
    what = f"{VERBS[call.direction]}{call.step} {titles.get(call.item, call.item)}".strip()
    code = history.source_of(saga.name, call.step)
    return Call(row=call, icon=LOOKS[call.state].icon, what=what, code=code)


def _told(entry: history.Entry, titles: dict[str, str]) -> Told:
    said = [str(entry.detail.get(name) or "") for name in ("reason", "code", "evidence", "error")]
    why = " ".join(one for one in said if one)[:LONGEST]
    return Told(entry=entry, title=titles.get(entry.item, entry.item), why=titled(why, titles))

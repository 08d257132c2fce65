"""What an operator can do to a flow: let it try again, settle a call with evidence, cancel."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from backoffice.deeds import Deed, DeedForm
from booking import commands, tasks
from booking.admin.naming import found, titled, titles_of
from booking.models import SagaInstance
from booking.orchestrator import control, settling, store
from booking.orchestrator.shape import Direction, SagaState, StepRow, StepState
from booking.orchestrator.work import Work
from reservation import services as reservation

OUTCOMES: Final = {
    StepState.DONE: "It happened",
    StepState.REFUSED: "It certainly did not happen",
    StepState.ACCEPTED: "Its loss is accepted",
}


def _retry(saga: SagaInstance, actor: str, said: Mapping[str, Any]) -> str:
    control.retry(saga_id=saga.pk, actor=actor, reason=said["reason"])
    _go_on(saga)
    return f"{saga.pk} tries again."


def _resolve(saga: SagaInstance, actor: str, said: Mapping[str, Any]) -> str:
    direction, step, item = said["call"].split("|")
    control.resolve(
        saga_id=saga.pk,
        direction=Direction(direction),
        step=step,
        item=item,
        outcome=StepState(said["outcome"]),
        actor=actor,
        evidence=said["reason"],
        answer=said["answer"],
    )
    _go_on(saga)
    return f"{step} of {saga.pk} is settled; it goes on."


def _cancel(saga: SagaInstance, actor: str, said: Mapping[str, Any]) -> str:
    if saga.finished_at is None:
        control.request_cancel(saga_id=saga.pk, actor=actor, reason=said["reason"])
        _go_on(saga)
        return f"{saga.pk} turns back."
    if str(saga.pk) in said["live"]:
        raise control.TooLate(f"{saga.pk} is {saga.state} by now: look again")
    if store.latest_saga_of(saga.subject_id) != saga:
        raise control.TooLate(
            f"{saga.pk} is not the last flow of its trip: cancel on the trip's page"
        )
    commands.cancel_confirmed(reservation_id=saga.subject_id)
    return f"{saga.subject_id} is being cancelled."


def _go_on(saga: SagaInstance) -> None:
    # A lost message is harmless: the sweeper picks the saga up.
    transaction.on_commit(partial(tasks.dispatch, saga.pk), robust=True)


def _needs(work: Work, call: StepRow) -> str:
    """Say what must be told of a call that is done."""
    try:
        return ", ".join(settling.facts_needed(work, call)) or "nothing"
    except settling.NotResolvable as error:
        return str(error)


class ResolveForm(DeedForm):
    """Ask which call is settled, how, and how that is known."""

    call = forms.ChoiceField(
        label="Call",
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "This call waits for nobody any more; look again."},
    )
    outcome = forms.ChoiceField(label="What became of it", widget=UnfoldAdminSelectWidget)
    answer = forms.JSONField(
        label="What the other side says",
        required=False,
        initial=dict,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text='Only for what happened, as JSON: {"order_id": "…", "confirmation_code": "…"}. What follows'
        " from its having happened may be left out.",
    )
    field_order = ("call", "outcome", "reason", "answer")

    def __init__(self, *args: Any, rows: Sequence[SagaInstance], **kwargs: Any) -> None:
        super().__init__(*args, rows=rows, **kwargs)
        self.fields["reason"].label = "Evidence"
        self.fields["reason"].help_text = "How that is known: a ticket, a partner's answer."
        work = store.read(rows[0].pk) if len(rows) == 1 else None
        calls = settling.for_a_person(work) if work else []
        titles = titles_of(found(rows[0].subject_id)) if rows else {}
        self.fields["call"].choices = [  # type: ignore[attr-defined]
            (
                f"{call.direction}|{call.step}|{call.item}",
                titled(f"{call.direction} {call.step} {call.item}".strip(), titles),
            )
            for call in calls
        ]
        needs = [f"{call.step}: {_needs(work, call)}" for call in calls if work]
        if needs:
            self.fields["answer"].help_text += f" Needed for {'; '.join(dict.fromkeys(needs))}."
        known = settling.outcomes(SagaState(rows[0].state)) if rows else []
        self.fields["outcome"].choices = [(one.value, OUTCOMES[one]) for one in known]  # type: ignore[attr-defined]

    def clean_answer(self) -> dict[str, Any]:
        """Take an object, or nothing."""
        told = self.cleaned_data["answer"] or {}
        if not isinstance(told, dict):
            raise ValidationError("Give a JSON object.")
        return told


class CancelForm(DeedForm):
    """Ask why, and remember which flows were seen running: to cancel what they booked is another deed."""

    live = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rows: Sequence[SagaInstance], **kwargs: Any) -> None:
        super().__init__(*args, rows=rows, **kwargs)
        self.fields["live"].initial = " ".join(str(r.pk) for r in rows if r.finished_at is None)


RETRY: Final = Deed(
    name="retry",
    title="Try again",
    explains="The calls that were given up are made again, with a fresh count of tries; what is unanswered"
    " is asked about first.",
    act=_retry,
    refusals=(control.NotParked,),
)
RESOLVE: Final = Deed(
    name="resolve",
    title="Settle a call",
    explains="You say what became of a call that only a person can find out about. The flow goes on as if"
    " the other side had said so. Look at the partner, or at the card processor, first.",
    act=_resolve,
    refusals=(control.NotParked, control.NotResolvable),
    form=ResolveForm,
    danger=True,
)
CANCEL: Final = Deed(
    name="cancel",
    title="Cancel",
    explains="A flow that is running turns back, and everything it did is taken back. A confirmed trip is"
    " cancelled with each provider, and what the conditions give back is refunded.",
    act=_cancel,
    refusals=(
        control.TooLate,
        control.TurningBack,
        reservation.NotCancellable,
        reservation.ReservationNotFound,
    ),
    form=CancelForm,
    danger=True,
)


def deeds_for(saga: SagaInstance) -> list[Deed]:
    """Return what can be done to a flow as it stands."""
    found = []
    if saga.attention_reason is not None:
        found.append(RETRY)
        if settling.for_a_person(store.read(saga.pk)):
            found.append(RESOLVE)
    if saga.state == SagaState.RUNNING and saga.cancel_requested_at is None:
        found.append(CANCEL)
    return found

"""`manage.py saga list`: sagas, newest first."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga.answer import Answer
from booking.orchestrator import history
from booking.orchestrator.exposure import totals
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import SagaState

HELP: Final = "sagas, newest first"


def declare(parser: CommandParser) -> None:
    """Declare the filters."""
    parser.add_argument("--parked", action="store_true", help="only those that wait for a person")
    parser.add_argument("--state", choices=[state.value for state in SagaState])
    parser.add_argument("--flow", help="only those of this flow")
    parser.add_argument("--limit", type=int, default=50)


def run(options: dict[str, Any]) -> Answer:
    """List sagas."""
    sagas = SagaInstance.objects.order_by("-created_at")
    if options["parked"]:
        sagas = sagas.filter(attention_reason__isnull=False)
    if options["state"]:
        sagas = sagas.filter(state=options["state"])
    if options["flow"]:
        sagas = sagas.filter(name=options["flow"])
    found = [history.progress_of(saga) for saga in sagas[: max(options["limit"], 0)]]
    return Answer(value=found, lines=[_line(progress) for progress in found])


def _line(progress: history.Progress) -> str:
    why = progress.attention_reason or progress.reason
    stake = [f"{sum_} {code} at stake" for code, sum_ in totals(progress.exposure).items()]
    waits = "PARKED" if progress.attention_reason else ""
    words = [progress.name, progress.state, progress.compensation, waits, why, *stake]
    return "  ".join([str(progress.saga_id), *(word for word in words if word)])

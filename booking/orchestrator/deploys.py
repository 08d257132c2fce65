"""Is it safe to deploy this code? Live sagas run on their own plan; the code must still have every step of it."""

from dataclasses import dataclass
from uuid import UUID

from booking.orchestrator import operations
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import REGISTRY, Pivot, Saga
from booking.orchestrator.shape import StepShape


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that a live saga needs and this code lacks."""

    saga_id: UUID
    name: str
    version: int
    what: str


def missing() -> list[Missing]:
    """Return what live sagas need and the code lacks; empty means that it can be deployed."""
    live = SagaInstance.objects.filter(finished_at=None).order_by("created_at")
    return [
        Missing(saga_id=saga.pk, name=saga.name, version=saga.version, what=what)
        for saga in live
        for what in _lacks(saga)
    ]


def _lacks(saga: SagaInstance) -> list[str]:
    code = REGISTRY.get(saga.name)
    if code is None:
        return [f"saga {saga.name!r}"]
    return [what for step in operations.shape_of(saga).steps if (what := _lack(code, step))]


def _lack(code: Saga, needed: StepShape) -> str:
    step = code.steps.get(needed.name)
    if step is None:
        return f"step {needed.name!r}"
    if needed.compensated and step.compensate is None:
        return f"the compensation of step {needed.name!r}"
    if needed.annulled and (not isinstance(step, Pivot) or step.annulled_by is None):
        return f"the annulment of step {needed.name!r}"
    return ""

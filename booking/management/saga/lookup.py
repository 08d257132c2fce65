"""Find what an operator means: a flow by its name, a saga by its id or its subject's."""

from uuid import UUID

from booking.management.saga.answer import NOT_FOUND, Declined
from booking.orchestrator import store
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import REGISTRY, Saga


def flow(name: str) -> Saga:
    """Return a flow.

    Raises:
        Declined: no flow has this name.
    """
    if name not in REGISTRY:
        known = ", ".join(REGISTRY)
        raise Declined("unknown_flow", f"{name!r}; known: {known}", status=NOT_FOUND)
    return REGISTRY[name]


def saga(what: str) -> SagaInstance:
    """Return the saga of this id, or the newest one about the subject of this id.

    Raises:
        Declined: there is none.
    """
    try:
        wanted = UUID(what)
    except ValueError:
        raise Declined("unknown_flow", f"{what!r} is no flow and no id", status=NOT_FOUND) from None
    found = SagaInstance.objects.filter(pk=wanted).first() or store.latest_saga_of(wanted)
    if found is None:
        raise Declined("saga_not_found", f"no saga {what} and none about it", status=NOT_FOUND)
    return found

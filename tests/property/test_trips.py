"""Anything in any order: the state machine on the real engine. PROPERTY_EXAMPLES=2000 is the whole."""

import logging
import os
import time
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property import cast, machine, stage
from tests.property.bugs import BUGS

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
STEPS, PART, SEEN_WITHIN = 50, 40, 1000
"""Rules in an example; examples in `make test`; examples within which a bug must show."""


@pytest.fixture
def _stage(settings: LazySettings) -> Iterator[None]:
    gateways = {
        f"property-{name}": f"tests.property.gateways.Partner{name.upper()}" for name in "abc"
    }
    settings.PARTNER_GATEWAYS = gateways
    settings.PAYMENT_GATEWAY = "tests.property.gateways.Cards"
    cache.clear()
    logging.disable(logging.ERROR)
    with stage.taken_over():
        machine.Trips.account_id = cast.prepare()
        yield
    logging.disable(logging.NOTSET)


def _tried(examples: int, *, phases: tuple[Phase, ...] = tuple(Phase)) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        deadline=None,
        phases=phases,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_stage")
def test_whatever_happens_in_whatever_order_the_books_agree_in_the_end() -> None:
    """In `make test` a part of it, the same every time; as a whole anew each time."""
    started = time.monotonic()

    run_state_machine_as_test(machine.Trips, settings=_tried(EXAMPLES or PART))

    counts = machine.COUNTS
    print(  # noqa: T201 - the figures of `make property`
        f"\n{counts.examples} examples, {counts.steps} steps, 0 failures,"
        f" {time.monotonic() - started:.0f} s; sagas {dict(counts.ends)}"
    )


@pytest.mark.skipif(not EXAMPLES, reason="takes minutes: a part of `make property`")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_stage")
@pytest.mark.parametrize("bug", BUGS)
def test_the_machine_sees_a_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BUGS[bug]())

    with pytest.raises(Exception) as seen:
        run_state_machine_as_test(
            machine.Trips, settings=_tried(SEEN_WITHIN, phases=(Phase.generate,))
        )

    print(f"\n{bug}: {str(seen.value)[:150]}")  # noqa: T201

"""A wrong saga table does not start, and says what is wrong and why the rule exists."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings

from booking.orchestrator import plan
from booking.orchestrator.lint import PlanError, worst_case
from booking.orchestrator.plan import Link, Pivot, Retry, Saga, Step, minutes
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
from tests.toy import Local, LocalBack, No, Remote, TakeBack

FAST = Retry(attempts=2, first=1.0, cap=1.0)


@pytest.fixture(autouse=True)
def _forget_what_was_declared() -> Iterator[None]:
    known = dict(plan.REGISTRY)
    yield
    plan.REGISTRY.clear()
    plan.REGISTRY.update(known)


def closing(**about: Any) -> None:
    """Close nothing."""


def step(name: str = "book", **changes: Any) -> Step:
    return Step(
        name, Remote, **{"compensate": TakeBack, "refused_by": No, "retry": FAST, **changes}
    )


def pivot(name: str = "capture", **changes: Any) -> Pivot:
    return Pivot(name, Remote, **{"refused_by": No, "retry": FAST, **changes})


def declare(*links: Link, **changes: Any) -> Saga:
    fields: dict[str, Any] = {"version": 1, "subject": "trip_id", "deadline": minutes(15)} | changes
    return Saga("trip", links=list(links), failed=closing, cancelled=closing, **fields)


def one(*steps: Step, **changes: Any) -> Saga:
    return declare(Link("all", *steps), **changes)


class Half:
    """Neither local nor remote."""

    def prepare(self) -> None:
        """Do nothing."""


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a step twice": (lambda: one(step("a"), step("a")), "step names must be unique, they are stored: a"),
    "a link twice": (lambda: declare(Link("a", step("x")), Link("a", step("y"))), "link names must be unique"),
    "two pivots": (lambda: one(pivot("a"), pivot("b")), "at most one pivot, not 'a', 'b': there is only one"),
    "no way back": (lambda: one(step(compensate=None), pivot()), "'book' stands before the pivot, so it needs compensate"),
    "an empty reason": (lambda: one(step(compensate=None, no_compensation=" "), pivot()), "say why"),
    "two ways back": (lambda: one(step(no_compensation="it only reads")), "only one can be true"),
    "a way back from the pivot": (lambda: one(pivot(compensate=TakeBack)), "'capture' is the pivot or stands after it"),
    "a way back after it": (lambda: one(pivot(), step()), "'book' is the pivot or stands after it"),
    "a reason after it": (lambda: one(pivot(), step(compensate=None, no_compensation="x")), "would never run"),
    "half an operation": (lambda: one(Step("half", Half, compensate=LocalBack)), "neither local (apply) nor remote: it lacks call, probe, record, traits"),
    "half a compensation": (lambda: one(step(compensate=Half)), "Half of step 'book'"),
    "half an annulment": (lambda: one(pivot(annulled_by=Half)), "Half of step 'capture'"),
    "a refusal that is none": (lambda: one(step(refused_by=(No, "sold_out"))), "name exceptions, not 'sold_out'"),
    "a retry on what is no error": (lambda: one(step(retry=replace(FAST, on=(int,)))), "name exceptions"),
    "an empty link": (lambda: declare(Link("a", step()), Link("b")), "link 'b' has no steps"),
    "no links": (lambda: declare(), "at least one link"),
    "a version from nought": (lambda: one(step(), version=0), "counts from 1"),
    "no time": (lambda: one(step(), deadline=0.0), "in seconds after the start"),
    "a name too long": (lambda: one(step("a" * 65)), "1 to 64 characters"),
    "a step without a name": (lambda: one(step("")), "1 to 64 characters"),
    "no first try": (lambda: Retry(attempts=0), "the first try counts"),
    "pauses that shrink": (lambda: Retry(first=2.0, cap=1.0), "first=2 <= cap=1"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=list(WRONG))
def test_a_wrong_table_is_refused_with_a_reason(case: str) -> None:
    declaring, message = WRONG[case]

    with pytest.raises(PlanError) as refused:
        declaring()

    assert message in str(refused.value)
    assert "trip" not in plan.REGISTRY


def test_a_step_may_say_why_it_needs_no_compensation() -> None:
    saga = one(step(compensate=None, no_compensation="it only reads"), pivot())

    [reading, _] = saga.shape().steps
    assert reading.compensated is False


def test_a_saga_without_a_pivot_is_reversible_to_its_end() -> None:
    assert [s.kind for s in one(step("a"), step("b")).shape().steps] == ["before", "before"]


def test_the_worst_case_before_the_pivot_must_fit_the_deadline(settings: LazySettings) -> None:
    settings.SAGA_CALL_SECONDS = 10.0
    steps = (
        Step("hold", Local, compensate=LocalBack, retry=Retry(attempts=3, first=1.0, cap=9.0)),  # 1 + 2
        step("authorise", retry=Retry(attempts=3, first=1.0, cap=9.0)),  # 3 x 10 + 1 + 2
        step("book", each=lambda trip_id: {}, retry=Retry(attempts=2, first=4.0, cap=9.0)),  # 2 x 10 + 4
        pivot(retry=Retry(attempts=99)),
    )  # fmt: skip

    one(*steps, deadline=60.0)
    with pytest.raises(PlanError) as refused:
        one(*steps, deadline=59.0)

    assert "may take 60 s (hold 3 s, authorise 33 s, book 24 s: " in str(refused.value)
    assert "its deadline is 59 s. Allow fewer attempts" in str(refused.value)


def test_the_worst_case_of_a_step_is_all_its_calls_and_the_longest_pauses(
    settings: LazySettings,
) -> None:
    settings.SAGA_CALL_SECONDS = 20.0

    assert worst_case(step(retry=Retry(attempts=5, first=2.0, cap=6.0))) == 5 * 20 + 2 + 4 + 6 + 6


@pytest.mark.parametrize("saga", [CONFIRM_RESERVATION, CANCEL_RESERVATION], ids=lambda s: s.name)
def test_the_flows_of_this_project_fit_their_deadlines_by_the_settings_of_production(
    saga: Saga,
) -> None:
    before = [step for step in saga.steps.values() if step.compensate is not None]

    needed = sum(worst_case(replace(step, retry=Retry(first=2.0))) for step in before)

    assert needed <= saga.deadline


def test_pauses_have_full_jitter_below_a_doubling_ceiling() -> None:
    retry = Retry(attempts=9, first=2.0, cap=10.0)

    assert [retry.ceiling(tries=tries) for tries in (1, 2, 3, 4, 99)] == [2.0, 4.0, 8.0, 10.0, 10.0]
    assert retry.delay(tries=3, dice=0.0) == 0.0
    assert retry.delay(tries=3, dice=0.5) == 4.0
    assert retry.delay(tries=3, dice=0.999) < 8.0

"""`decide` at its limits: the last try, the exact moment, a no without a reason, what a person is told."""

import pytest

from booking.orchestrator.decide import (
    NOT_RETRIED,
    Annul,
    Close,
    Enter,
    GiveUp,
    Park,
    Run,
    Sleep,
    decide,
)
from booking.orchestrator.shape import TIMED_OUT, Rows, SagaState, StepRow
from tests.unit.booking.test_decide import (
    ANNUL,
    AUTHORISE,
    BACK,
    BEFORE,
    BOOKED,
    CANCELLING,
    HOLD,
    LATER,
    NOW,
    PLAN,
    TAIL,
    leg,
    row,
    saga,
)

AMBIGUOUS = row("capture", "refused", ambiguous=True)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("capture", "refused")], Enter(SagaState.COMPENSATING, "refused")),
        (
            [AMBIGUOUS, row("capture", "done", direction=ANNUL)],
            Enter(SagaState.COMPENSATING, "refused"),
        ),
        (
            [AMBIGUOUS, row("capture", "accepted", direction=ANNUL)],
            Enter(SagaState.COMPENSATING, "refused"),
        ),
        (
            [AMBIGUOUS, row("capture", "parked", direction=ANNUL, reason="down")],
            Park("capture: refused, but could not be annulled: down"),
        ),
        (
            [AMBIGUOUS, row("capture", direction=ANNUL, tries=3)],
            Park("capture: could not be annulled after 3 tries"),
        ),
        (
            [AMBIGUOUS, row("capture", direction=ANNUL, tries=2)],
            Run("payment", (row("capture", direction=ANNUL, tries=2),)),
        ),
        (
            [AMBIGUOUS, row("capture", "unknown", direction=ANNUL, tries=3, due_at=LATER)],
            Sleep(LATER),
        ),
        ([row("capture", "refused", ambiguous=False)], Enter(SagaState.COMPENSATING, "refused")),
    ],
)
def test_a_no_at_the_pivot(rows: list[StepRow], expected: object) -> None:
    assert decide(saga("pivoting"), Rows(tuple(rows)), PLAN, NOW) == expected


def test_of_several_noes_at_the_pivot_the_doubtful_one_counts() -> None:
    rows = Rows((leg("a", "refused", reason="no"), leg("b", "refused", ambiguous=True)))

    decision = decide(saga("pivoting"), rows, CANCELLING, NOW)

    assert decision == Park("cancel: refused after an unanswered call, and nothing can annul it")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("capture", tries=2)], Run("payment", (row("capture", tries=2),))),
        ([row("capture", tries=3)], Enter(SagaState.COMPENSATING, "retries_exhausted")),
        ([row("capture", tries=3, due_at=LATER)], Sleep(LATER)),
        (
            [row("capture", "unknown", ambiguous=True, tries=2)],
            Run("payment", (row("capture", "unknown", ambiguous=True, tries=2),)),
        ),
        (
            [row("capture", "claimed", lease_until=BEFORE, ambiguous=True, tries=3)],
            Park("capture (outcome unknown) after 3 tries"),
        ),
    ],
)
def test_the_last_try_at_the_pivot(rows: list[StepRow], expected: object) -> None:
    assert decide(saga("pivoting"), Rows(tuple(rows)), PLAN, NOW) == expected


@pytest.mark.parametrize(("state", "ambiguous"), [("pending", True), ("unknown", False)])
def test_a_pivot_that_may_have_arrived_does_not_turn_back_at_the_deadline(
    state: str, ambiguous: bool
) -> None:
    rows = Rows((row("capture", state, ambiguous=ambiguous, due_at=LATER),))

    assert decide(saga("pivoting", deadline_at=NOW), rows, PLAN, NOW) == Sleep(LATER)


def test_the_deadline_is_passed_at_its_very_moment() -> None:
    waiting = (HOLD, row("authorise", due_at=LATER), *BOOKED, *TAIL)

    turned = Enter(SagaState.COMPENSATING, "deadline_passed")
    assert decide(saga(deadline_at=NOW), Rows(waiting), PLAN, NOW) == turned
    assert decide(saga("pivoting", deadline_at=NOW), Rows((row("capture"),)), PLAN, NOW) == turned


def test_whoever_waits_is_woken_by_the_deadline_at_the_latest() -> None:
    waiting = (HOLD, row("authorise", due_at=LATER), *BOOKED, *TAIL)
    until = NOW + (LATER - NOW) / 2

    assert decide(saga(deadline_at=until), Rows(waiting), PLAN, NOW) == Sleep(until)


@pytest.mark.parametrize(
    ("authorise", "expected"),
    [
        (row("authorise", tries=2), Run("reservation", (row("authorise", tries=2),))),
        (row("authorise", tries=3), Enter(SagaState.COMPENSATING, "retries_exhausted")),
        (row("authorise", tries=3, due_at=LATER), Sleep(LATER)),
        (
            row("authorise", "waiting", wait_until=NOW, due_at=LATER, reason=TIMED_OUT),
            Enter(SagaState.COMPENSATING, "action_timed_out"),
        ),
        (row("authorise", "waiting", wait_until=NOW, due_at=LATER), Sleep(LATER)),
        (
            row("authorise", "unknown", wait_until=BEFORE, due_at=LATER, reason=TIMED_OUT),
            Sleep(LATER),
        ),
    ],
)
def test_the_last_try_before_the_pivot(authorise: StepRow, expected: object) -> None:
    rows = Rows((HOLD, authorise, *BOOKED, *TAIL))

    assert decide(saga(), rows, PLAN, NOW) == expected


def test_the_earliest_lease_wakes_a_flow_that_wants_to_turn_back() -> None:
    until = NOW + (LATER - NOW) / 2
    legs = (
        row("book", "claimed", item="flight", lease_until=LATER),
        row("book", "claimed", item="hotel", lease_until=until),
    )

    decision = decide(saga(cancel_requested=True), Rows((HOLD, AUTHORISE, *legs, *TAIL)), PLAN, NOW)

    assert decision == Sleep(until)


def test_a_flow_without_a_pivot_completes_when_all_is_done() -> None:
    rows = Rows((HOLD, AUTHORISE, *BOOKED, row("capture", "done"), row("confirm", "done")))

    assert decide(saga(), rows, PLAN, NOW) == Close(SagaState.COMPLETED)


@pytest.mark.parametrize(
    ("confirm", "expected"),
    [
        (row("confirm", tries=2), Run("payment", (row("confirm", tries=2),))),
        (row("confirm", tries=3), Park("confirm: failed 3 times after the pivot")),
        (row("confirm", "accepted"), Close(SagaState.COMPLETED)),
    ],
)
def test_the_last_try_after_the_pivot(confirm: StepRow, expected: object) -> None:
    rows = Rows((*BOOKED, row("capture", "done"), confirm))

    assert decide(saga("finishing"), rows, PLAN, NOW) == expected


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (
            [row("book", direction=BACK, item="a", tries=2)],
            Run("provider", (row("book", direction=BACK, item="a", tries=2),)),
        ),
        (
            [
                row("book", direction=BACK, item="a", tries=3),
                row("book", direction=BACK, item="b", tries=1),
            ],
            GiveUp((row("book", direction=BACK, item="a", tries=3),)),
        ),
        (
            [
                row("book", "claimed", direction=BACK, item="a"),
                row("book", direction=BACK, item="b"),
            ],
            Sleep(LATER),
        ),
        (
            [row("book", "unknown", direction=BACK, item="a", never_resend=True)],
            GiveUp(
                (row("book", "unknown", direction=BACK, item="a", never_resend=True),),
                "outcome_unknown",
            ),
        ),
        (
            [row("book", "parked", direction=BACK, item="a"), row("authorise", "refused", direction=BACK, reason="no")],
            Park("compensation incomplete: book a (failed), authorise (no)"),
        ),
        ([row("book", "done", direction=BACK, item="a")], Close(SagaState.FAILED)),
    ],
)  # fmt: skip
def test_taking_back(calls: list[StepRow], expected: object) -> None:
    assert decide(saga("compensating"), Rows(tuple(calls)), PLAN, NOW) == expected


def test_the_earliest_of_several_wakes_a_flow_that_takes_back() -> None:
    until = NOW + (LATER - NOW) / 2
    rows = Rows(
        (
            row("authorise", "unknown", direction=BACK, due_at=until),
            row("book", "unknown", direction=BACK, item="a", due_at=LATER),
        )
    )

    assert decide(saga("compensating"), rows, PLAN, NOW) == Sleep(until)


@pytest.mark.parametrize(
    ("state", "step", "calls"),
    [
        ("running", "book", (HOLD, AUTHORISE, row("book", "claimed", item="x", lease_until=BEFORE, never_resend=True))),
        ("pivoting", "cancel", (leg("x", "unknown", never_resend=True),)),
        ("pivoting", "cancel", (leg("x", ambiguous=True, never_resend=True),)),
    ],
)  # fmt: skip
def test_what_nobody_can_be_asked_about_is_a_persons(
    state: str, step: str, calls: tuple[StepRow, ...]
) -> None:
    plan = PLAN if step == "book" else CANCELLING

    decision = decide(saga(state), Rows(calls), plan, NOW)

    assert decision == Park(f"{step}: outcome unknown and the partner cannot be asked (x)")


def test_the_others_of_a_pivot_go_on_before_a_person_is_asked() -> None:
    lost = leg("x", "unknown", never_resend=True)

    both = decide(saga("pivoting"), Rows((lost, leg("y"))), CANCELLING, NOW)
    later = decide(saga("pivoting"), Rows((lost, leg("y", due_at=LATER))), CANCELLING, NOW)

    assert both == Run("provider", (leg("y"),))
    assert later == Sleep(LATER)


def test_a_person_is_told_of_every_call_that_was_refused_of_a_pivot_half_done() -> None:
    rows = (leg("a", "done"), leg("b", "refused", reason="no"), leg("c", "refused", reason="late"))

    decision = decide(saga("pivoting"), Rows(rows), CANCELLING, NOW)

    assert decision == Park("half done: cancel b (no), cancel c (late)")


def test_a_call_that_somebody_is_making_is_waited_for_until_its_lease_ends() -> None:
    annulling = Rows((AMBIGUOUS, row("capture", "claimed", direction=ANNUL)))
    confirming = Rows((row("capture", "done"), row("confirm", "claimed")))

    assert decide(saga("pivoting"), annulling, PLAN, NOW) == Sleep(LATER)
    assert decide(saga("finishing"), confirming, PLAN, NOW) == Sleep(LATER)


def test_what_is_never_retried_says_so_when_it_turns_the_flow_back() -> None:
    before = row("authorise", tries=3, reason=NOT_RETRIED)
    pivot = row("capture", tries=3, reason=NOT_RETRIED)

    turned = Enter(SagaState.COMPENSATING, NOT_RETRIED)
    assert decide(saga(), Rows((HOLD, before, *BOOKED, *TAIL)), PLAN, NOW) == turned
    assert decide(saga("pivoting"), Rows((pivot,)), PLAN, NOW) == turned


def test_an_annulment_is_asked_for_once() -> None:
    assert decide(saga("pivoting"), Rows((AMBIGUOUS,)), PLAN, NOW) == Annul("capture")

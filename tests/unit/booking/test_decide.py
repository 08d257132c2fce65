"""`decide` by table: every rule of the flow, without a database or a clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking.orchestrator.decide import (
    Annul,
    Close,
    Enter,
    GiveUp,
    Nothing,
    Park,
    Run,
    Sleep,
    decide,
)
from booking.orchestrator.shape import (
    FINAL,
    MOVES,
    TIMED_OUT,
    Direction,
    Kind,
    Rows,
    SagaRow,
    SagaState,
    Shape,
    StepRow,
    StepShape,
    StepState,
)

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
BEFORE = NOW - timedelta(seconds=30)
BACK = Direction.COMPENSATE
ANNUL = Direction.ANNUL


def _step(name: str, link: str, kind: Kind, *, annulled: bool = False) -> StepShape:
    return StepShape(
        name=name,
        link=link,
        kind=kind,
        attempts=3,
        compensated=kind is Kind.BEFORE,
        annulled=annulled,
    )


PLAN = Shape(
    name="trip",
    version=1,
    steps=(
        _step("hold", "reservation", Kind.BEFORE),
        _step("authorise", "reservation", Kind.BEFORE),
        _step("book", "provider", Kind.BEFORE),
        _step("capture", "payment", Kind.PIVOT, annulled=True),
        _step("confirm", "payment", Kind.AFTER),
    ),
)
NO_ANNUL = Shape(
    name="trip", version=1, steps=(*PLAN.steps[:3], _step("capture", "payment", Kind.PIVOT))
)


def row(step: str, state: str = "pending", **fields: object) -> StepRow:
    lease = {"lease_until": LATER} if state == "claimed" and "lease_until" not in fields else {}
    return StepRow(step=step, state=StepState(state), **{**lease, **fields})  # type: ignore[arg-type]


def saga(state: str = "running", **fields: object) -> SagaRow:
    return SagaRow(state=SagaState(state), **{"deadline_at": NOW + timedelta(minutes=15), **fields})  # type: ignore[arg-type]


HOLD, AUTHORISE = row("hold", "done"), row("authorise", "done")
BOOKED = (row("book", "done", item="flight"), row("book", "done", item="hotel"))
TAIL = (row("capture"), row("confirm"))
FLIGHT, HOTEL = row("book", item="flight"), row("book", item="hotel")

CASES = {
    # --- forward
    "starts with the first step": (
        saga(), [row("hold"), row("authorise"), FLIGHT, HOTEL, *TAIL], Run("reservation", (row("hold"),)),
    ),
    "runs all legs of a step at once": (
        saga(), [HOLD, AUTHORISE, FLIGHT, HOTEL, *TAIL], Run("provider", (FLIGHT, HOTEL)),
    ),
    "touches only the leg that is not settled": (
        saga(), [HOLD, AUTHORISE, BOOKED[0], HOTEL, *TAIL], Run("provider", (HOTEL,)),
    ),
    "waits for a lease of another worker": (
        saga(), [HOLD, row("authorise", "claimed"), FLIGHT, *TAIL], Sleep(LATER),
    ),
    "claims anew when the lease has ended": (
        saga(), [HOLD, row("authorise", "claimed", lease_until=BEFORE), FLIGHT, *TAIL],
        Run("reservation", (row("authorise", "claimed", lease_until=BEFORE),)),
    ),
    "waits for the backoff of an unanswered call": (
        saga(), [HOLD, row("authorise", "unknown", due_at=LATER), FLIGHT, *TAIL], Sleep(LATER),
    ),
    "asks about an unanswered call when it is due": (
        saga(), [HOLD, row("authorise", "unknown", due_at=BEFORE, tries=1), FLIGHT, *TAIL],
        Run("reservation", (row("authorise", "unknown", due_at=BEFORE, tries=1),)),
    ),
    "enters the pivot only when every leg is done": (
        saga(), [HOLD, AUTHORISE, *BOOKED, *TAIL], Enter(SagaState.PIVOTING),
    ),
    # --- turning back
    "a refusal turns back with its reason": (
        saga(), [HOLD, AUTHORISE, BOOKED[0], row("book", "refused", item="hotel", reason="sold_out"), *TAIL],
        Enter(SagaState.COMPENSATING, "sold_out"),
    ),
    "a refusal waits until its siblings are settled": (
        saga(), [HOLD, AUTHORISE, row("book", "claimed", item="flight"), row("book", "refused", item="hotel"), *TAIL],
        Sleep(LATER),
    ),
    "an unanswered sibling does not delay turning back": (
        saga(),
        [HOLD, AUTHORISE, row("book", "unknown", item="flight", due_at=LATER), row("book", "refused", item="hotel"), *TAIL],
        Enter(SagaState.COMPENSATING, "refused"),
    ),
    "a cancellation turns back": (
        saga(cancel_requested=True), [HOLD, AUTHORISE, FLIGHT, HOTEL, *TAIL], Enter(SagaState.COMPENSATING, "cancelled"),
    ),
    "the deadline turns back": (
        saga(deadline_at=BEFORE), [HOLD, AUTHORISE, FLIGHT, HOTEL, *TAIL], Enter(SagaState.COMPENSATING, "deadline_passed"),
    ),
    "exhausted retries turn back": (
        saga(), [HOLD, AUTHORISE, row("book", "unknown", item="flight", tries=3, ambiguous=True), *TAIL],
        Enter(SagaState.COMPENSATING, "retries_exhausted"),
    ),
    "the customer has until wait_until": (
        saga(), [HOLD, row("authorise", "waiting", wait_until=LATER, due_at=LATER), FLIGHT, *TAIL], Sleep(LATER),
    ),
    "a customer whose time is over is asked about once more": (
        saga(), [HOLD, row("authorise", "waiting", wait_until=BEFORE, due_at=BEFORE), FLIGHT, *TAIL],
        Run("reservation", (row("authorise", "waiting", wait_until=BEFORE, due_at=BEFORE),)),
    ),
    "a customer who has still not acted then turns back": (
        saga(), [HOLD, row("authorise", "waiting", wait_until=BEFORE, due_at=BEFORE, reason=TIMED_OUT), FLIGHT, *TAIL],
        Enter(SagaState.COMPENSATING, "action_timed_out"),
    ),
    "a call that cannot be asked about is never sent again": (
        saga(), [HOLD, AUTHORISE, row("book", "unknown", item="x", ambiguous=True, never_resend=True, tries=1), *TAIL],
        Park("book: outcome unknown and the partner cannot be asked (x)"),
    ),
    "sleeps until its deadline at most": (
        saga(deadline_at=NOW + timedelta(seconds=10)),
        [HOLD, AUTHORISE, row("book", "unknown", item="flight", due_at=LATER), *TAIL], Sleep(NOW + timedelta(seconds=10)),
    ),
    # --- the pivot
    "the pivot is sent": (saga("pivoting"), [HOLD, AUTHORISE, *BOOKED, *TAIL], Run("payment", (TAIL[0],))),
    "an unknown pivot never compensates, not even after the deadline": (
        saga("pivoting", deadline_at=BEFORE), [row("capture", "unknown", ambiguous=True, due_at=LATER)], Sleep(LATER),
    ),
    "an unknown pivot is asked about": (
        saga("pivoting", deadline_at=BEFORE), [row("capture", "unknown", ambiguous=True, tries=1)],
        Run("payment", (row("capture", "unknown", ambiguous=True, tries=1),)),
    ),
    "an unknown pivot is parked in the end": (
        saga("pivoting"), [row("capture", "unknown", ambiguous=True, tries=3)],
        Park("capture (outcome unknown) after 3 tries"),
    ),
    "a pivot that was never sent may still turn back": (
        saga("pivoting", deadline_at=BEFORE), [row("capture", tries=2, due_at=LATER)],
        Enter(SagaState.COMPENSATING, "deadline_passed"),
    ),
    "a cancellation cannot win at the pivot": (
        saga("pivoting", cancel_requested=True), [row("capture", "claimed")], Sleep(LATER),
    ),
    "a declined pivot compensates": (
        saga("pivoting"), [row("capture", "refused", reason="card_declined")], Enter(SagaState.COMPENSATING, "card_declined"),
    ),
    "a no at an unanswered pivot is annulled first": (
        saga("pivoting"), [row("capture", "refused", ambiguous=True)], Annul("capture"),
    ),
    "the annulment is made": (
        saga("pivoting"), [row("capture", "refused", ambiguous=True), row("capture", direction=ANNUL)],
        Run("payment", (row("capture", direction=ANNUL),)),
    ),
    "an annulled pivot compensates": (
        saga("pivoting"),
        [row("capture", "refused", ambiguous=True, reason="card_declined"), row("capture", "done", direction=ANNUL)],
        Enter(SagaState.COMPENSATING, "card_declined"),
    ),
    "a pivot that cannot be annulled is parked": (
        saga("pivoting"),
        [row("capture", "refused", ambiguous=True), row("capture", "refused", direction=ANNUL, reason="captured")],
        Park("capture: refused, but could not be annulled: captured"),
    ),
    "the pivot succeeded": (saga("pivoting"), [row("capture", "done"), row("confirm")], Enter(SagaState.FINISHING)),
    # --- after the pivot
    "the tail runs": (saga("finishing"), [row("capture", "done"), row("confirm")], Run("payment", (row("confirm"),))),
    "the tail is retried": (saga("finishing"), [row("capture", "done"), row("confirm", due_at=LATER)], Sleep(LATER)),
    "a no after the pivot needs a person": (
        saga("finishing"), [row("capture", "done"), row("confirm", "refused", reason="odd")],
        Park("confirm: refused after the pivot (odd)"),
    ),
    "a tail that never succeeds needs a person": (
        saga("finishing"), [row("capture", "done"), row("confirm", tries=3)], Park("confirm: failed 3 times after the pivot"),
    ),
    "the saga completes": (saga("finishing"), [row("capture", "done"), row("confirm", "done")], Close(SagaState.COMPLETED)),
    # --- compensating
    "compensates in reverse": (
        saga("compensating"), [row("hold", direction=BACK), row("authorise", direction=BACK), row("book", direction=BACK, item="flight")],
        Run("provider", (row("book", direction=BACK, item="flight"),)),
    ),
    "then the step before": (
        saga("compensating"),
        [row("hold", direction=BACK), row("authorise", direction=BACK), row("book", "done", direction=BACK, item="flight")],
        Run("reservation", (row("authorise", direction=BACK),)),
    ),
    "a failing compensation does not stop the others": (
        saga("compensating"),
        [row("hold", direction=BACK), row("book", "unknown", direction=BACK, item="flight", due_at=LATER)],
        Run("reservation", (row("hold", direction=BACK),)),
    ),
    "nor does one that is parked": (
        saga("compensating"), [row("hold", direction=BACK), row("book", "parked", direction=BACK, item="flight")],
        Run("reservation", (row("hold", direction=BACK),)),
    ),
    "waits for the failing one in the end": (
        saga("compensating"),
        [row("hold", "done", direction=BACK), row("book", "unknown", direction=BACK, due_at=LATER)], Sleep(LATER),
    ),
    "waits until an earlier request can no longer land": (
        saga("compensating"), [row("hold", "done", direction=BACK), row("book", "verifying", direction=BACK, due_at=LATER)],
        Sleep(LATER),
    ),
    "parks with what is left": (
        saga("compensating"),
        [row("hold", "done", direction=BACK), row("book", "parked", direction=BACK, item="flight", reason="retries_exhausted")],
        Park("compensation incomplete: book flight (retries_exhausted)"),
    ),
    "a refused compensation needs a person": (
        saga("compensating"), [row("book", "refused", direction=BACK, item="car", reason="cancel_refused")],
        Park("compensation incomplete: book car (cancel_refused)"),
    ),
    "an accepted loss is settled": (
        saga("compensating", reason="sold_out"), [row("book", "accepted", direction=BACK, item="car")], Close(SagaState.FAILED),
    ),
    "ends as failed": (
        saga("compensating", reason="sold_out"), [row("hold", "done", direction=BACK)], Close(SagaState.FAILED),
    ),
    "ends as cancelled when that was the reason": (
        saga("compensating", reason="cancelled", cancel_requested=True), [row("hold", "done", direction=BACK)],
        Close(SagaState.CANCELLED),
    ),
    "a cancellation that came too late does not rename a failure": (
        saga("compensating", reason="sold_out", cancel_requested=True), [], Close(SagaState.FAILED),
    ),
    # --- over, or waiting for a person
    "a parked saga does nothing": (saga(parked=True), [row("hold")], Nothing()),
    **{f"a {state} saga does nothing": (saga(state), [row("hold")], Nothing()) for state in sorted(FINAL)},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_decide(case: str) -> None:
    about, rows, expected = CASES[case]

    decision = decide(about, Rows(tuple(rows)), PLAN, NOW)

    assert decision == expected


CANCELLING = Shape(
    name="cancel",
    version=1,
    steps=(_step("cancel", "provider", Kind.PIVOT), _step("refund", "payment", Kind.AFTER)),
)
REFUND = row("refund")
BLIND = {"item": "x", "never_resend": True, "tries": 1}
"""A call to a partner of class D that was made once."""
LOST = [
    row("any", "unknown", ambiguous=True, **BLIND),
    row("any", "claimed", lease_until=BEFORE, **BLIND),  # its worker was killed
]


@pytest.mark.parametrize("lost", LOST, ids=["unanswered", "killed"])
@pytest.mark.parametrize(
    ("state", "step", "plan"),
    [
        ("running", "book", PLAN),
        ("pivoting", "cancel", CANCELLING),
        ("finishing", "refund", CANCELLING),
    ],
)
def test_class_d_is_never_asked_nor_sent_again(
    lost: StepRow, state: str, step: str, plan: Shape
) -> None:
    done = [row(before.name, "done") for before in plan.steps if before.name != step]
    rows = Rows((*done, replace(lost, step=step)))

    decision = decide(saga(state), rows, plan, NOW)

    assert decision == Park(f"{step}: outcome unknown and the partner cannot be asked (x)")


@pytest.mark.parametrize("lost", LOST, ids=["unanswered", "killed"])
def test_a_lost_compensation_of_class_d_is_given_up_at_once(lost: StepRow) -> None:
    back = replace(lost, step="book", direction=BACK)
    rows = Rows((row("hold", direction=BACK), back))

    decision = decide(saga("compensating"), rows, PLAN, NOW)

    assert decision == GiveUp((back,), "outcome_unknown")


def test_a_lost_leg_of_class_d_does_not_stop_the_others() -> None:
    lost = replace(LOST[0], step="cancel")

    decision = decide(saga("pivoting"), Rows((lost, leg("b"), REFUND)), CANCELLING, NOW)

    assert decision == Run("provider", (leg("b"),))


def test_what_never_left_is_sent_to_class_d_again() -> None:
    unsent = row("book", item="x", never_resend=True, tries=1)

    decision = decide(saga(), Rows((HOLD, AUTHORISE, unsent, *TAIL)), PLAN, NOW)

    assert decision == Run("provider", (unsent,))


def leg(item: str, state: str = "pending", **fields: object) -> StepRow:
    return row("cancel", state, item=item, **fields)


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ([leg("a"), leg("b")], Run("provider", (leg("a"), leg("b")))),
        ([leg("a", "done"), leg("b")], Run("provider", (leg("b"),))),
        ([leg("a", "done"), leg("b", "unknown", due_at=LATER, ambiguous=True)], Sleep(LATER)),
        ([leg("a", "refused", reason="no"), leg("b", "claimed")], Sleep(LATER)),
        ([leg("a", "done"), leg("b", "done")], Enter(SagaState.FINISHING)),
        (
            [leg("a", "done"), leg("b", "refused", reason="no")],
            Park("half done: cancel b (no)"),
        ),
        (
            [leg("a", "refused", reason="no"), leg("b", "refused", reason="no")],
            Enter(SagaState.COMPENSATING, "no"),
        ),
    ],
)
def test_the_first_call_of_a_pivot_that_is_done_decides(
    legs: list[StepRow], expected: object
) -> None:
    decision = decide(saga("pivoting"), Rows((*legs, REFUND)), CANCELLING, NOW)

    assert decision == expected


def test_a_pivot_whose_worker_died_on_the_last_try_is_asked_about_before_anything_else() -> None:
    """Two tries never left, the third was sent and its worker killed: claimed, not yet ambiguous."""
    lost = row("capture", "claimed", lease_until=BEFORE, tries=3)

    decision = decide(saga("pivoting"), Rows((lost,)), PLAN, NOW)

    assert decision == Run("payment", (lost,))


@pytest.mark.parametrize("lease", [LATER, BEFORE])
def test_a_leg_that_is_being_cancelled_keeps_the_flow_from_turning_back(lease: datetime) -> None:
    """One leg never arrived, the other is (or was) being called: it may be cancelled."""
    rows = Rows((leg("flight", tries=3), leg("hotel", "claimed", lease_until=lease, tries=1)))

    decision = decide(saga("pivoting"), rows, CANCELLING, NOW)

    assert decision == Park("cancel flight (never arrived) after 3 tries")


def test_a_pivot_that_never_left_turns_back_when_it_was_tried_often_enough() -> None:
    rows = Rows((row("capture", tries=3),))

    decision = decide(saga("pivoting"), rows, PLAN, NOW)

    assert decision == Enter(SagaState.COMPENSATING, "retries_exhausted")


def test_an_ambiguous_no_without_annulment_is_parked() -> None:
    rows = Rows((row("capture", "refused", ambiguous=True),))

    decision = decide(saga("pivoting"), rows, NO_ANNUL, NOW)

    assert decision == Park("capture: refused after an unanswered call, and nothing can annul it")


@pytest.mark.parametrize(
    ("state", "ambiguous", "covered"),
    [
        ("pending", False, False),
        ("pending", True, True),
        ("refused", False, False),
        ("refused", True, True),
        ("done", False, True),
        ("unknown", True, True),
        ("waiting", True, True),
        ("claimed", False, True),
    ],
)
def test_compensation_covers_everything_that_may_have_had_an_effect(
    state: str, ambiguous: bool, covered: bool
) -> None:
    assert row("book", state, ambiguous=ambiguous).may_have_had_an_effect() is covered


def test_every_live_state_can_reach_an_end_and_no_final_state_can_be_left() -> None:
    for state in SagaState:
        reached, frontier = {state}, [state]
        while frontier:
            for following in MOVES.get(frontier.pop(), frozenset()) - reached:
                reached.add(following)
                frontier.append(following)

        assert reached & FINAL
        assert state not in FINAL or reached == {state}

"""What both flows of this project do when things go wrong, told in memory: no server is needed."""

import pytest

from booking.orchestrator.testing import (
    Story,
    annulling,
    back,
    called,
    cancels,
    compensated,
    crash,
    given,
    lost,
    never_called,
    parked,
    refuse,
    standing,
    told,
    unanswered,
    unreachable,
    waits,
)
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION

LEGS = ["flight", "hotel", "car"]
ALL = ("hold", "authorise", "book", "capture", "confirm")
FORWARD = [("hold", ""), ("authorise", ""), ("book", "hotel"), ("capture", ""), ("confirm", "")]


def confirming(**circumstances: object) -> Story:
    return given(CONFIRM_RESERVATION, items=LEGS, **circumstances)


def cancelling(**circumstances: object) -> Story:
    return given(CANCEL_RESERVATION, items=LEGS, **circumstances)


def test_a_trip_is_booked_in_the_order_of_the_table() -> None:
    confirming().then(called(*ALL), compensated(), state="completed")


@pytest.mark.parametrize(
    ("step", "taken_back"),
    [
        ("hold", ()),
        ("authorise", ("hold",)),
        ("book", ("authorise", "hold")),
        ("capture", ("book", "authorise", "hold")),
    ],
)
def test_a_refusal_takes_back_everything_before_it(step: str, taken_back: tuple[str, ...]) -> None:
    confirming().when(refuse(step)).then(compensated(*taken_back), state="failed", reason="refused")


def test_a_refused_leg_takes_back_the_legs_beside_it() -> None:
    confirming().when(refuse("book", item="hotel")).then(
        compensated("book", "authorise", "hold"), never_called("capture", "confirm"), state="failed"
    )


@pytest.mark.parametrize(("step", "item"), [("authorise", ""), ("book", "hotel"), ("capture", "")])
@pytest.mark.parametrize("fault", [lost, unanswered, unreachable])
def test_a_call_without_an_answer_is_no_reason_to_give_up(
    step: str, item: str, fault: object
) -> None:
    confirming().when(fault(step, item=item, times=2)).then(compensated(), state="completed")  # type: ignore[operator]


@pytest.mark.parametrize(("step", "taken_back"), [("authorise", ("hold",)), ("book", ("authorise", "hold"))])  # fmt: skip
def test_what_never_left_is_tried_until_the_tries_are_used_up(
    step: str, taken_back: tuple[str, ...]
) -> None:
    confirming().when(unreachable(step)).then(
        compensated(*taken_back), state="failed", reason="retries_exhausted"
    )


def test_a_payment_that_never_left_is_taken_back() -> None:
    confirming().when(unreachable("capture")).then(
        compensated("book", "authorise", "hold"), state="failed", reason="retries_exhausted"
    )


def test_a_payment_of_which_nothing_is_known_is_never_taken_back() -> None:
    confirming().when(unanswered("capture"), unreachable("capture")).then(
        parked("capture (outcome unknown)"), compensated(), state="pivoting"
    )


def test_a_no_after_an_unanswered_payment_counts_once_it_is_annulled() -> None:
    confirming().when(lost("capture"), refuse("capture")).then(
        told("unknown", "absent", "refused", "annulled", "compensating"),
        compensated("book", "authorise", "hold"),
        state="failed",
    )


def test_a_payment_that_cannot_be_annulled_needs_a_person() -> None:
    confirming().when(lost("capture"), refuse("capture"), annulling(unreachable("capture"))).then(
        parked("capture: could not be annulled"), compensated(), state="pivoting"
    )


def test_a_customer_who_acts_in_time_gets_the_trip() -> None:
    confirming().when(waits("authorise", seconds=60)).then(
        told("waiting", "customer_acted", "woken"), called(*ALL), state="completed"
    )


def test_a_customer_who_never_acts_is_released() -> None:
    confirming().when(waits("authorise")).then(
        compensated("authorise", "hold"), state="failed", reason="action_timed_out"
    )


@pytest.mark.parametrize(
    ("step", "taken_back"),
    [
        ("hold", ()),
        ("authorise", ("hold",)),
        ("book", ("authorise", "hold")),
        ("capture", ("book", "authorise", "hold")),
    ],
)
def test_a_cancellation_before_the_payment_is_sent_wins(
    step: str, taken_back: tuple[str, ...]
) -> None:
    confirming().when(cancels(step)).then(
        compensated(*taken_back), never_called("capture"), state="cancelled", reason="cancelled"
    )


def test_a_cancellation_after_the_payment_is_too_late() -> None:
    confirming().when(cancels("confirm")).then(told("too_late"), compensated(), state="completed")


@pytest.mark.parametrize("moment", ["before-call", "after-call", "after-record"])
@pytest.mark.parametrize(("step", "item"), FORWARD)
def test_a_worker_that_dies_anywhere_leaves_a_trip_that_is_booked_once(
    step: str, item: str, moment: str
) -> None:
    confirming().when(crash(step, moment, item=item)).then(called(*ALL), state="completed")


@pytest.mark.parametrize("moment", ["before-call", "after-call", "after-record"])
@pytest.mark.parametrize("letter", ["A", "B", "C"])
@pytest.mark.parametrize("step", ["hold", "authorise", "book"])
def test_a_worker_that_dies_while_taking_back_leaves_nothing_behind(
    step: str, letter: str, moment: str
) -> None:
    confirming(classes={"book": letter}).when(refuse("capture"), back(crash(step, moment))).then(
        compensated("book", "authorise", "hold"), state="failed"
    )


@pytest.mark.parametrize("letter", ["A", "B", "C"])
@pytest.mark.parametrize("fault", [lost, unanswered])
def test_an_unanswered_leg_is_taken_back_too_whatever_became_of_it(
    letter: str, fault: object
) -> None:
    confirming(classes={"book": letter}).when(
        fault("book", item="flight"),  # type: ignore[operator]
        refuse("book", item="hotel"),
    ).then(compensated("book", "authorise", "hold"), state="failed")


def test_a_leg_that_cannot_be_asked_about_needs_a_person() -> None:
    confirming(classes={"book:hotel": "D"}).when(unanswered("book", item="hotel")).then(
        parked("book: outcome unknown and the partner cannot be asked (hotel)"), state="running"
    )


def test_a_compensation_that_fails_is_tried_again_and_does_not_hold_up_the_others() -> None:
    confirming().when(refuse("capture"), back(unreachable("book", item="hotel", times=3))).then(
        told("compensating", "failed", "compensated"),
        compensated("book", "authorise", "hold"),
        state="failed",
    )


def test_a_local_compensation_that_fails_is_tried_again_after_a_pause() -> None:
    confirming().when(refuse("capture"), back(unreachable("hold", times=2))).then(
        told("compensating", "failed", "failed", "compensated"),
        compensated("book", "authorise", "hold"),
        state="failed",
    )


@pytest.mark.parametrize("fault", [refuse, unreachable])
def test_a_compensation_that_never_succeeds_is_left_to_a_person_with_its_exposure(
    fault: object,
) -> None:
    confirming().when(refuse("capture"), back(fault("book", item="hotel"))).then(  # type: ignore[operator]
        parked("compensation incomplete: book hotel"),
        standing("book:hotel"),
        compensated("book", "authorise", "hold"),
        state="compensating",
        reason="refused",
    )


def test_a_confirmed_trip_is_cancelled_and_refunded() -> None:
    cancelling().then(called("quote", "cancel", "refund", "close"), state="completed")


def test_a_leg_that_cannot_be_cancelled_needs_a_person_once_another_is() -> None:
    cancelling().when(refuse("cancel", item="hotel")).then(
        parked("half done: cancel hotel"), never_called("refund"), state="pivoting"
    )


def test_a_trip_of_which_no_leg_can_be_cancelled_stands() -> None:
    cancelling().when(refuse("cancel")).then(
        standing(), never_called("refund"), state="failed", reason="refused"
    )


def test_a_refund_that_is_refused_needs_a_person() -> None:
    cancelling().when(refuse("refund")).then(
        parked("refund: refused after the pivot"), never_called("close"), state="finishing"
    )


@pytest.mark.parametrize("moment", ["before-call", "after-call", "after-record"])
@pytest.mark.parametrize(("step", "item"), [("cancel", "hotel"), ("refund", ""), ("close", "")])
def test_a_worker_that_dies_while_cancelling_is_replaced(step: str, item: str, moment: str) -> None:
    cancelling().when(crash(step, moment, item=item)).then(
        called("quote", "cancel", "refund", "close"), state="completed"
    )

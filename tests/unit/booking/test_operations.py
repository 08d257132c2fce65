"""From a stored call to the service's operation and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import pytest

from booking.orchestrator import operations
from booking.orchestrator.calls import Phase
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.operations import CodeMissing
from booking.orchestrator.plan import REGISTRY, Pivot, Step
from booking.orchestrator.shape import StepState
from outbound.call import Call, Idempotency, Original, Pause, Traits
from tests import toy
from tests.unit.booking.desk import ANNUL, BACK, FORWARD, START, SUBJECT, Desk, after

AUTHORISE = toy.TOY.steps["authorise"]
CAPTURE = toy.TOY.steps["capture"]


def test_an_instance_runs_on_its_own_snapshot() -> None:
    snapshot = msgspec.to_builtins(toy.TOY.shape())

    assert operations.shape_of(SagaInstance(plan=snapshot)) == toy.TOY.shape()


def test_the_code_is_found_by_the_names_that_are_stored(desk: Desk) -> None:
    work = desk.read(desk.id)

    assert operations.saga_of(work) is toy.TOY
    assert operations.step_of(work, desk.of("authorise")) is AUTHORISE


def test_code_that_is_gone_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = desk.row("gone")
    work = desk.read(desk.id)

    with pytest.raises(CodeMissing) as step:
        operations.step_of(work, gone)
    monkeypatch.delitem(REGISTRY, "toy")
    with pytest.raises(CodeMissing) as saga:
        operations.saga_of(work)

    assert str(step.value) == "saga 'toy' has no step 'gone'"
    assert str(saga.value) == "no saga is named 'toy'"


@pytest.mark.parametrize(
    ("step", "direction", "operation"),
    [
        (AUTHORISE, FORWARD, toy.Remote),
        (AUTHORISE, BACK, toy.TakeBack),
        (CAPTURE, FORWARD, toy.Remote),
        (CAPTURE, ANNUL, toy.TakeBack),
    ],
)
def test_each_direction_has_its_operation(step: Step, direction: Any, operation: type) -> None:
    assert operations.operation_of(step, direction) is operation


@pytest.mark.parametrize(
    ("step", "direction"), [(CAPTURE, BACK), (AUTHORISE, ANNUL), (Pivot("bare", toy.Remote), ANNUL)]
)
def test_a_step_that_lacks_an_operation_is_named(step: Step, direction: Any) -> None:
    with pytest.raises(CodeMissing) as missing:
        operations.operation_of(step, direction)

    assert str(missing.value) == f"step {step.name!r} has nothing to {direction}"


@pytest.mark.parametrize(
    ("step", "direction", "refusals"),
    [
        (Step("x", toy.Remote, refused_by=toy.No), FORWARD, (toy.No,)),
        (Step("x", toy.Remote, refused_by=(toy.No, KeyError)), FORWARD, (toy.No, KeyError)),
        (Step("x", toy.Remote), FORWARD, ()),
        (AUTHORISE, BACK, (toy.No,)),
        (Step("x", toy.Remote, compensate=toy.LocalBack, refused_by=toy.No), BACK, ()),
    ],
)
def test_who_may_say_no_depends_on_the_direction(
    step: Step, direction: Any, refusals: tuple[type, ...]
) -> None:
    assert operations.refusals_of(step, direction) == refusals


def test_an_operation_sees_its_call_and_not_the_row(desk: Desk) -> None:
    row = desk.row("book", "flight", attempt=2, given={"seat": "7"}, request={"what": "x"})

    assert operations.call_value(desk.read(desk.id), row) == Call(
        saga_id=desk.id, subject_id=SUBJECT, step="book", item="flight", key=row.key, attempt=2,
        now=START, given={"seat": "7"}, original=None, seconds=19.0,
    )  # fmt: skip


def test_what_takes_back_sees_what_it_takes_back(desk: Desk) -> None:
    forward = desk.row("authorise", request={"what": "x"}, result={"key": "4711"})
    back = desk.row("authorise", "", BACK)
    work = desk.read(desk.id)

    seen = operations.call_value(work, back).original
    assert seen == Original(key=forward.key, request={"what": "x"}, result={"key": "4711"})


def test_of_a_local_step_there_is_no_request_to_take_back(desk: Desk) -> None:
    back = desk.row("hold", "", BACK)

    assert operations.call_value(desk.read(desk.id), back).original is None


@pytest.mark.parametrize(
    ("direction", "state", "phase"),
    [
        (FORWARD, StepState.PENDING, Phase.SEND),
        (FORWARD, StepState.UNKNOWN, Phase.PROBE),
        (FORWARD, StepState.CLAIMED, Phase.PROBE),
        (FORWARD, StepState.WAITING, Phase.PROBE),
        (BACK, StepState.PENDING, Phase.SEND),
        (BACK, StepState.UNKNOWN, Phase.SEND),
        (BACK, StepState.VERIFYING, Phase.VERIFY),
        (ANNUL, StepState.UNKNOWN, Phase.SEND),
    ],
)
def test_an_unanswered_call_is_asked_about_but_a_compensation_just_sent_again(
    desk: Desk, direction: Any, state: StepState, phase: Phase
) -> None:
    assert operations.phase_of(desk.row("capture", "", direction, state=state)) is phase


def test_an_operation_may_ask_for_a_pause(desk: Desk) -> None:
    pause = Pause(until=after(9), why="closed")
    toy.WORLD.pauses["authorise"] = pause
    work = desk.read(desk.id)

    assert operations.pause_of(work, desk.of("authorise")) == pause
    assert operations.pause_of(work, desk.of("capture")) is None
    assert operations.pause_of(work, desk.of("hold")) is None


def test_a_compensation_asks_for_its_own_pause(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = Pause(until=after(9), why="closed")
    monkeypatch.setattr(toy.TakeBack, "pause", lambda self, call: pause)
    back = desk.row("authorise", "", BACK)

    assert operations.pause_of(desk.read(desk.id), back) == pause


def prepared(desk: Desk, step: str, *id_: Any) -> Any:
    work = desk.read(desk.id)
    claim = operations.prepare(work, desk.of(step, *id_))
    work.save()
    return claim


def test_a_first_claim_keeps_what_will_be_sent(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(operations.time, "monotonic", lambda: 1000.0)
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=45))

    claim = prepared(desk, "authorise")

    assert desk.changes("authorise") == {
        "state": "claimed", "tries": 1, "epoch": 1, "lease_until": after(30), "sent_at": START,
        "request": {"what": "authorise"}, "idempotency": "B", "quiet_seconds": 45,
    }  # fmt: skip
    assert (claim.id, claim.epoch, claim.phase) == (("authorise", "", "forward"), 1, Phase.SEND)
    assert isinstance(claim.operation, toy.Remote)
    assert claim.request == toy.Request("authorise")
    assert (claim.call.step, claim.call.key) == ("authorise", desk.of("authorise").key)
    assert (claim.retry_on, claim.refused_by) == ((Exception,), (toy.No,))
    assert claim.not_after == 1000.0 + 30 - 19


def test_who_can_be_neither_asked_nor_sent_twice_is_marked(desk: Desk) -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=0))

    prepared(desk, "authorise")

    assert desk.of("authorise").never_resend


@dataclass(frozen=True)
class Thorough(toy.Remote):
    """An operation that must be given what it needs."""

    def prepare(self, call: Call) -> toy.Request:
        assert isinstance(call, Call)
        return toy.Request(call.step)

    def traits(self, request: toy.Request) -> Traits:
        assert isinstance(request, toy.Request)
        return toy.WORLD.traits


def test_an_operation_is_given_the_call_to_prepare_and_its_own_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "operation_of", lambda step, direction: Thorough)

    assert prepared(desk, "authorise").request == toy.Request("authorise")


@pytest.mark.parametrize(
    ("state", "ambiguous", "now_ambiguous"),
    [
        (StepState.PENDING, False, False),
        (StepState.PENDING, True, True),
        (StepState.UNKNOWN, False, True),
        (StepState.CLAIMED, False, True),
        (StepState.WAITING, False, False),
    ],
)
def test_a_later_claim_repeats_the_first_request(
    desk: Desk, state: StepState, ambiguous: bool, now_ambiguous: bool
) -> None:
    desk.row(
        "authorise", state=state, ambiguous=ambiguous, request={"what": "first"}, tries=2, epoch=5,
        sent_at=after(-50), idempotency="C", quiet_seconds=7,
    )  # fmt: skip

    claim = prepared(desk, "authorise")

    assert claim.request == toy.Request("first")
    now = desk.of("authorise")
    assert (now.state, now.tries, now.epoch, now.ambiguous) == ("claimed", 3, 6, now_ambiguous)
    assert now.sent_at == (START if state is StepState.PENDING else after(-50))
    assert (now.idempotency, now.quiet_seconds) == ("C", 7)


def test_to_verify_is_to_ask_about_the_forward_call(desk: Desk) -> None:
    desk.row("authorise", request={"what": "forward"}, result={"key": "x"})
    desk.row(
        "authorise",
        "",
        BACK,
        state=StepState.VERIFYING,
        request={"what": "back"},
        sent_at=after(-9),
    )

    claim = prepared(desk, "authorise", "", BACK)

    assert (claim.id, claim.phase) == (("authorise", "", "compensate"), Phase.VERIFY)
    assert type(claim.operation) is toy.Remote
    assert claim.request == toy.Request("forward")
    assert claim.call.key == desk.of("authorise").key
    assert claim.refused_by == (toy.No,)
    assert desk.of("authorise", "", BACK).sent_at == after(-9)


def test_who_may_say_no_to_a_question_is_who_may_say_no_to_the_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy.TakeBack, "refused_by", (KeyError,))
    desk.row("authorise", request={"what": "forward"})
    desk.row("authorise", "", BACK, state=StepState.VERIFYING, request={"what": "back"})
    assert prepared(desk, "authorise", "", BACK).refused_by == (toy.No,)

    desk.row("authorise", "", BACK, state=StepState.PENDING, request={"what": "back"})
    assert prepared(desk, "authorise", "", BACK).refused_by == (KeyError,)


@pytest.mark.parametrize(("sent_at", "at"), [(after(-5), 85), (None, 90)])
def test_what_was_sent_can_land_until_lease_and_quiet_period_are_over(
    desk: Desk, sent_at: Any, at: float
) -> None:
    row = desk.row("authorise", sent_at=sent_at, quiet_seconds=60)

    assert operations.quiet_until(desk.read(desk.id), row) == after(at)


@pytest.mark.parametrize(("request_", "given_back"), [({"what": "seat"}, True), (None, False)])
def test_what_was_prepared_and_never_sent_is_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, request_: Any, given_back: bool
) -> None:
    row = desk.row("authorise", request=request_)
    abandoned: list[Call] = []
    monkeypatch.setattr(
        toy.Remote, "abandon", lambda self, call: abandoned.append(call), raising=False
    )

    operations.abandon(desk.read(desk.id), row)

    assert [call.key for call in abandoned] == [row.key] * given_back


def test_what_locks_nothing_gives_nothing_back(desk: Desk) -> None:
    operations.abandon(desk.read(desk.id), desk.row("authorise", request={"what": "seat"}))


@dataclass(frozen=True)
class Seat:
    """What a step is given."""

    number: int


def test_glue_gives_each_call_its_own_as_json() -> None:
    def ask(glue: Callable[..., Any]) -> Any:
        return glue(trip_id=UUID(int=1))

    def one(*, trip_id: UUID) -> Seat:
        return Seat(trip_id.int)

    def each(*, trip_id: UUID) -> dict[int, Seat | None]:
        return {7: Seat(trip_id.int), 8: None}

    def nothing(*, trip_id: UUID) -> None:
        return None

    assert operations.given_to(Step("x", toy.Remote, given=one), ask) == {"": {"number": 1}}
    assert operations.given_to(Step("x", toy.Remote, given=nothing), ask) == {"": {}}
    assert operations.given_to(Step("x", toy.Remote), ask) == {"": {}}
    assert operations.given_to(Step("x", toy.Remote, each=each), ask) == {
        "7": {"number": 1}, "8": {},
    }  # fmt: skip


def test_who_listens_hears_the_request_of_the_saga(desk: Desk) -> None:
    desk.saga(correlation_id="request 1", traceparent="00-trace")

    with operations.circumstances(desk.read(desk.id)) as running:
        assert (running.correlation_id, running.traceparent) == ("request 1", "00-trace")

"""The bus as a model: outbox, relays, Redis, a consumer. Every reachable state is visited.

What one transition does is one transaction, one command of Redis, or one thing that goes wrong. Events
are called by key and number: `x1` before `x2`; their ids are in the order of `PUBLISHED`.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

PUBLISHED: Final = ("x1", "y1", "x2")
Row = tuple[int, str]
"""A position and the event that has it."""


@dataclass(frozen=True, kw_only=True)
class BusSetting:
    """How much may go wrong: deaths, losses of Redis (emptied, trimmed, set back), failing handlers."""

    crashes: int = 0
    losses: int = 0
    failures: int = 0
    relays: int = 2
    bug: str = ""


class State(NamedTuple):
    """PostgreSQL (open transactions, outbox, head, cursor, inbox, effects), Redis, and where the actors are."""

    open: tuple[str, ...] = PUBLISHED
    unnumbered: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    """Numbered events; the position is the index + 1."""
    stream: tuple[Row, ...] = ()
    cursor: int = 0
    inbox: tuple[tuple[str, str], ...] = ()
    effects: tuple[str, ...] = ()
    relays: tuple[tuple[str, int], ...] = ()
    """Of each relay: what it does next, and where it believes Redis to be."""
    consumer: tuple[str, tuple[Row, ...]] = ("read", ())
    """What the consumer does next, and what Redis offered."""
    crashes: int = 0
    losses: int = 0
    failures: int = 0


Moves = Iterator[tuple[str, State]]


def moves(state: State, bug: str) -> Moves:
    """Return everything that can happen next."""
    yield from _commits(state)
    for n in range(len(state.relays)):
        yield from _relay(state, n, bug)
    yield from _consumer(state, bug)
    yield from _mishaps(state)


def _commits(state: State) -> Moves:
    """Transactions commit in any order, but those of one key wait for each other."""
    for event in state.open:
        if event == next(other for other in state.open if other[0] == event[0]):
            rest = tuple(other for other in state.open if other != event)
            waiting = sorted((*state.unnumbered, event), key=PUBLISHED.index)
            yield f"{event} is committed", state._replace(open=rest, unnumbered=tuple(waiting))


def _relay(state: State, n: int, bug: str) -> Moves:
    doing, tail = state.relays[n]
    last = state.stream[-1][0] if state.stream else 0
    if doing == "look":
        yield f"relay {n} looks", _set(state, n, "send" if bug == _EARLY else "number", last)
    elif doing == "send":
        head = len(state.log)
        rows = tuple((head + i, event) for i, event in enumerate(state.unnumbered, 1))
        sent = state._replace(stream=state.stream + rows) if last == tail == head else state
        yield f"relay {n} sends", _set(sent, n, "number", tail)
    elif doing == "number":
        fresh = state.unnumbered
        if bug == "polls_by_id" and state.log:
            fresh = tuple(event for event in fresh if event > "" and _after(event, state.log))
        left = tuple(event for event in state.unnumbered if event not in fresh)
        numbered = state._replace(unnumbered=left, log=state.log + fresh)
        yield f"relay {n} numbers {fresh}", _set(numbered, n, "append", tail)
    elif tail == len(state.log) or tail > len(state.log):
        yield f"relay {n} rests", _set(state, n, "look", 0)
    elif last != tail and bug != "appends_blindly":
        yield f"relay {n} learns {last}", _set(state, n, "append", last)
    else:
        rows = tuple((at, state.log[at - 1]) for at in range(tail + 1, len(state.log) + 1))
        sent = state._replace(stream=state.stream + rows)
        yield f"relay {n} appends", _set(sent, n, "look", 0)


def _after(event: str, log: tuple[str, ...]) -> bool:
    return PUBLISHED.index(event) > max(PUBLISHED.index(other) for other in log)


def _set(state: State, n: int, doing: str, tail: int) -> State:
    relays = list(state.relays)
    relays[n] = doing, tail
    return state._replace(relays=tuple(relays))


def _consumer(state: State, bug: str) -> Moves:
    doing, offered = state.consumer
    if doing == "read":
        rows = tuple(row for row in state.stream if row[0] > state.cursor)
        yield "the consumer reads", state._replace(consumer=("deliver", rows))
    elif doing == "deliver":
        rows = _next(state, offered, bug)
        cursor = max([state.cursor, *(at for at, _ in rows)])
        if bug == "cursor_before_effects":
            yield "the cursor moves", state._replace(cursor=cursor, consumer=("handle", rows))
            return
        for failing, handled in _handled(state, rows, bug):
            at = state.cursor if bug == "cursor_after_effects" else cursor
            following = ("move", rows) if bug == "cursor_after_effects" else ("read", ())
            done = handled._replace(cursor=at, consumer=following)
            yield f"{[event for _, event in rows]} delivered, {failing} fails", done
    elif doing == "handle":
        for failing, handled in _handled(state, offered, bug):
            yield f"handled, {failing} fails", handled._replace(consumer=("read", ()))
    else:
        cursor = max([state.cursor, *(at for at, _ in offered)])
        yield "the cursor moves", state._replace(cursor=cursor, consumer=("read", ()))


def _next(state: State, offered: tuple[Row, ...], bug: str) -> tuple[Row, ...]:
    """Return what follows the cursor without a hole: offered by Redis, or else read from the log."""
    if bug == "believes_redis":
        return offered
    head = len(state.log)
    following = [row for row in offered if state.cursor < row[0] <= head]
    dense = tuple(row for n, row in enumerate(following, state.cursor + 1) if row[0] == n)
    if dense or bug == "never_reads_the_log":
        return dense
    return tuple((at, state.log[at - 1]) for at in range(state.cursor + 1, head + 1))


def _handled(state: State, rows: tuple[Row, ...], bug: str) -> Iterator[tuple[str, State]]:
    """Run the handlers of one transaction; one event's handler may fail."""
    retried = [event for event, status in state.inbox if status == "retry"]
    candidates = [*retried, *(event for _, event in rows)] if state.failures else []
    for failing in ["nobody", *candidates]:
        inbox, effects = dict(state.inbox), list(state.effects)
        for event in retried:
            _handle(event, failing, inbox, effects)
            behind = [e for e, s in inbox.items() if s == "parked" and e[0] == event[0]]
            for later in sorted(behind) if inbox[event] == "done" else []:
                _handle(later, failing, inbox, effects)
        for _, event in rows:
            blocked = any(e[0] == event[0] and s != "done" for e, s in inbox.items())
            if blocked and bug != "does_not_block":
                inbox[event] = "parked"
            else:
                _handle(event, failing, inbox, effects)
        left = state.failures - (failing != "nobody")
        changed = state._replace(effects=tuple(effects), failures=left)
        yield failing, changed._replace(inbox=tuple(sorted(inbox.items())))


def _handle(event: str, failing: str, inbox: dict[str, str], effects: list[str]) -> None:
    inbox[event] = "retry" if event == failing else "done"
    if event != failing:
        effects.append(event)


def _mishaps(state: State) -> Moves:
    if state.crashes:
        died = state._replace(crashes=state.crashes - 1)
        for n, (doing, _) in enumerate(state.relays):
            if doing != "look":
                yield f"relay {n} dies", _set(died, n, "look", 0)
        if state.consumer[0] != "read":
            yield "the consumer dies", died._replace(consumer=("read", ()))
    if state.losses and state.stream:
        lost = state._replace(losses=state.losses - 1)
        yield "Redis is emptied", lost._replace(stream=())
        yield "Redis is trimmed", lost._replace(stream=state.stream[1:])
        yield "Redis is set back", lost._replace(stream=state.stream[:-1])


def wrong(state: State) -> str:
    """Return what a state has that no state may have."""
    if len(set(state.effects)) < len(state.effects):
        return "an event took effect twice"
    for key in "xy":
        mine = [event for event in state.effects if event[0] == key]
        if mine != sorted(mine):
            return "a key's events are out of order"
    return ""


def over(state: State) -> bool:
    """Whether everything that was published has taken effect."""
    return sorted(state.effects) == sorted(PUBLISHED) and state.cursor == len(PUBLISHED)


BUGS: Final[dict[str, BusSetting]] = {
    "polls_by_id": BusSetting(relays=1),
    "sends_before_numbering": BusSetting(relays=1, crashes=1),
    "cursor_before_effects": BusSetting(relays=1, crashes=1),
    "cursor_after_effects": BusSetting(relays=1, crashes=1),
    "believes_redis": BusSetting(relays=1, losses=1),
    "never_reads_the_log": BusSetting(relays=1, losses=1),
    "does_not_block": BusSetting(relays=1, failures=1),
}
"""Seeded bugs, each with the smallest configuration that sees it."""
_EARLY: Final = "sends_before_numbering"


@dataclass
class Visited:
    """How many states there are, and the way to one that is wrong, if there is one."""

    states: int
    violation: str = ""
    trace: tuple[str, ...] = ()


def visit(setting: BusSetting, *, bug: str = "") -> Visited:
    """Visit every reachable state; look for one that is wrong, or from which nothing leads to the end."""
    first = State(
        relays=(("look", 0),) * setting.relays,
        crashes=setting.crashes,
        losses=setting.losses,
        failures=setting.failures,
    )
    came_from: dict[State, tuple[str, State] | None] = {first: None}
    before: dict[State, list[State]] = {}
    """Of each state those from which it is reached with nothing going wrong."""
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        if violation := wrong(state):
            return Visited(len(came_from), violation, _way(came_from, state))
        for label, after in moves(state, bug):
            if sum(after[-3:]) == sum(state[-3:]):
                before.setdefault(after, []).append(state)
            if after not in came_from:
                came_from[after] = label, state
                waiting.append(after)
    stuck = _without_an_end(came_from, before)
    violation = "an event never takes effect" if stuck else ""
    return Visited(len(came_from), violation, _way(came_from, stuck) if stuck else ())


def _without_an_end(visited: Iterable[State], before: dict[State, list[State]]) -> State | None:
    """Return a state from which nothing leads to the end, unless more goes wrong."""
    ending = [state for state in visited if over(state)]
    reached = set(ending)
    while ending:
        for earlier in before.get(ending.pop(), []):
            if earlier not in reached:
                reached.add(earlier)
                ending.append(earlier)
    return next((state for state in visited if state not in reached), None)


def _way(came_from: dict[State, tuple[str, State] | None], state: State) -> tuple[str, ...]:
    way: list[str] = []
    step = came_from[state]
    while step is not None:
        label, before = step
        way.append(label)
        step = came_from[before]
    return tuple(reversed(way))

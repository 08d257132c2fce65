"""Two ways through the model: every choice in turn (a stateless depth-first search), or many at random."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.model import invariants, person
from tests.model.engine import Worker, advance
from tests.model.mutants import NONE, Mutant
from tests.model.rows import LEASE
from tests.model.world import Setting, World, cancel, confirm

TURNS = 150
"""More turns than this of a saga are no progress."""


class Exhaustive:
    """Follows a prefix of choices, then takes the first; remembers what there was to choose."""

    def __init__(self, prefix: Sequence[int]) -> None:
        self._prefix = prefix
        self.taken: list[tuple[int, int]] = []

    def pick(self, sides: int) -> int:
        """Return the next choice."""
        at = len(self.taken)
        choice = self._prefix[at] if at < len(self._prefix) else 0
        self.taken.append((choice, sides))
        return choice

    def following(self) -> list[int] | None:
        """Return the prefix of the next run; None when there is none."""
        taken = self.taken
        while taken and taken[-1][0] + 1 >= taken[-1][1]:
            taken.pop()
        return [choice for choice, _ in taken[:-1]] + [taken[-1][0] + 1] if taken else None


@dataclass
class Report:
    """What a search has seen: how many runs, and one trace for each kind of violation."""

    runs: int = 0
    complete: bool = True
    found: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0

    def add(self, world: World) -> None:
        """Count a run."""
        self.runs += 1
        self.count += bool(world.violations)
        for violation in world.violations:
            self.found.setdefault(violation, world.trace)


def exhaustively(
    setting: Setting, *, mutant: Mutant = NONE, at_most: int = 10**9, first: bool = False
) -> Report:
    """Try every choice; stop after `at_most` runs, or at the first violation if that is enough."""
    report, prefix = Report(), []
    while prefix is not None:
        dice = Exhaustive(prefix)
        report.add(run(World(setting, dice, mutant.switches, mutant.decide)))
        prefix = dice.following()
        if report.runs >= at_most or (first and report.found):
            report.complete = prefix is None
            return report
    return report


def replayed(setting: Setting, choices: list[int], *, mutant: Mutant = NONE) -> Report:
    """Go one way again."""
    report = Report()
    report.add(run(World(setting, Exhaustive(choices), mutant.switches, mutant.decide)))
    return report


def run(world: World) -> World:
    """Run one world with one worker at a time, which may die at every door, to its end."""
    confirm(world)
    return _settle(world, world.setting.cancels)


def _settle(world: World, cancels: int) -> World:
    """Let the sweeper find what is due, and a person act on what is parked, until all is over; check."""
    visits = 0
    for _ in range(TURNS):
        saga = world.live
        if (saga is None or saga.parked) and cancels and world.dice.pick(2):
            cancels -= 1
            cancel(world)
        elif saga is None:
            break
        elif saga.parked and world.sleepers:
            _wake(world)
        elif saga.parked:
            visits += 1
            if not person.acts(world, saga, times=visits):
                break
        elif saga.due_at is None:
            break  # stuck, and reported as such
        else:
            world.sleep_until(saga.due_at + _lateness(world))
            cancels = _work(world, advance(world, saga), cancels)
    else:
        world.violated("no end")
    while world.sleepers:
        _wake(world)
    invariants.check(world)
    return world


def _lateness(world: World) -> int:
    """Choose whether the sweeper is late, by half a lease."""
    if not world.delays_left or not world.dice.pick(2):
        return 0
    world.delays_left -= 1
    return LEASE // 2


def _wake(world: World) -> None:
    """Let the first sleeper go on to its end."""
    world.note("a sleeper wakes up")
    for _ in world.sleepers.pop(0):
        pass


def _work(world: World, worker: Worker, cancels: int) -> int:
    """Let a worker go on until it stops or dies; return how often the customer may still cancel."""
    for _ in worker:
        while (happening := _choose(world, cancels)) != "go on":
            if happening == "crash":
                world.crashes_left -= 1
                world.note("CRASH")
                return cancels
            if happening == "sleep":
                world.sleeps_left -= 1
                world.note("falls asleep")
                world.sleepers.append(worker)
                return cancels
            if happening == "cancel":
                cancels -= 1
                cancel(world)
            else:
                happens(world, happening)
    return cancels


def _choose(world: World, cancels: int) -> str:
    """Choose what happens at a door."""
    options = ["go on"]
    if world.crashes_left and not world.healed:
        options.append("crash")
    if world.sleeps_left and not world.healed:
        options.append("sleep")
    if world.sleepers:
        options.append("wake")
    if cancels:
        options.append("cancel")
    if world.net:
        options.append("land")
    if world.processor.state == "waiting":
        options += ["pays", "fails to pay"]
    return options[world.dice.pick(len(options))] if len(options) > 1 else "go on"


def happens(world: World, what: str) -> None:
    """Let something happen outside."""
    world.note(what)
    if what == "land":
        world.land()
    elif what == "wake":
        _wake(world)
    elif what == "pays":
        world.processor.state = "authorised"
    elif what == "fails to pay":
        world.processor.state = "refused"


class Chance:
    """Rolls; what goes wrong goes wrong rarely."""

    def __init__(self, seed: int, *, trouble: float) -> None:
        self.random = random.Random(seed)
        self._trouble = trouble

    def pick(self, sides: int) -> int:
        """Return 0 mostly, anything otherwise."""
        return self.random.randrange(sides) if self.random.random() < self._trouble else 0


def sampled(setting: Setting, *, seeds: range, mutant: Mutant = NONE) -> Report:
    """Take choices of the same tree at random, where it is too large to be tried in full."""
    report = Report()
    for seed in seeds:
        dice = Chance(seed, trouble=random.Random(seed).choice([0.1, 0.25, 0.5]))
        report.add(run(World(setting, dice, mutant.switches, mutant.decide)))
    return report


WORKERS, STEPS = 3, 120


def at_random(setting: Setting, *, seeds: range, mutant: Mutant = NONE) -> Report:
    """Interleave three workers at random, with pauses, clock jumps, kills, and messages of any link."""
    report = Report()
    for seed in seeds:
        dice = Chance(seed, trouble=random.Random(seed).choice([0.05, 0.2, 0.4]))
        report.add(_interleave(World(setting, dice, mutant.switches, mutant.decide)))
    return report


def _interleave(world: World) -> World:
    """Let things happen in any order; then heal, let everything finish, and check."""
    chance = world.dice
    assert isinstance(chance, Chance)
    roll = chance.random
    confirm(world)
    workers: list[Worker | None] = [None] * WORKERS
    for _ in range(STEPS):
        at = roll.randrange(WORKERS)
        match roll.random():
            case x if x < 0.80:
                workers[at] = _step(world, workers[at], roll)
            case x if x < 0.84:
                workers[at] = None  # killed
            case x if x < 0.93:
                world.sleep_until(world.clock + roll.choice([1, 1, 2, 5, 12]))
            case _:
                _something(world, roll)
        if world.live is None and roll.random() < 0.3:
            break
    return _finish(world, [worker for worker in workers if worker])


def _step(world: World, worker: Worker | None, roll: random.Random) -> Worker | None:
    """Let a worker go one step; an idle one takes a message, of the right link or another."""
    if worker is not None:
        return worker if next(worker, "over") is None else None
    saga = world.sagas[-1] if roll.random() < 0.9 else roll.choice(world.sagas)
    link = roll.choice([None, None, *saga.shape.links])
    return advance(world, saga, link=link, direction=saga.direction if link else None)


def _something(world: World, roll: random.Random) -> None:
    saga = world.live
    what = roll.choice(["land", "pays", "fails to pay", "cancel", "confirm", "person", "land"])
    if what == "land" and world.net:
        late = roll.choice(world.net)
        world.net.remove(late)
        world.note(f"a late request lands: {late.effect()}")
    elif "pay" in what and world.processor.state == "waiting":
        happens(world, what)
    elif what == "cancel" and len(world.answers) < world.setting.cancels:
        cancel(world)
    elif what == "confirm":
        confirm(world)
    elif what == "person" and saga is not None and saga.parked:
        person.acts(world, saga, times=1)
        world.healed = False


def _finish(world: World, workers: list[Worker]) -> World:
    """Heal: whoever sleeps wakes up, in any order, and the sweeper finds what is due."""
    world.healed = True
    while workers:
        worker = workers[world.dice.pick(len(workers))]
        if next(worker, "over") == "over":
            workers.remove(worker)
    return _settle(world, cancels=0)

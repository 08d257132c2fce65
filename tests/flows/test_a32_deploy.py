"""A32: a deploy with sagas in flight: each finishes on its own plan, whatever table the new code has."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from devstack import ports
from devstack.binaries import PROJECT
from devstack.stack import Stack
from devstack.traveller import Traveller
from tests.flows.conftest import ONCE, Story
from tests.patience import until

OLD = ("worker-reservation", "worker-provider", "worker-payment", "sweeper")


@contextmanager
def _new_code(stack: Stack, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py` of the release in tests/flows/newer, which has another table."""
    env = {**stack.env, "DJANGO_SETTINGS_MODULE": "tests.flows.newer.settings"}
    with subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=env
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def _killed(stack: Stack) -> Iterator[None]:
    """End whoever runs the old table in the middle of what they do, and keep them away."""
    for name in OLD:
        stack.processes[name].kill()
    try:
        yield
    finally:
        for name in OLD:
            stack.processes[name].start()


def _done(api: Traveller, reservation: str) -> list[str]:
    return [entry["step"] for entry in api.timeline(reservation) if entry["kind"] == "done"]


@ONCE
def test_a_saga_in_flight_finishes_on_its_own_plan_and_a_new_one_on_the_new(story: Story) -> None:
    in_flight = story.api.compose(flight="timeout-after")
    story.api.pay_with(in_flight, "pm_card_visa")
    story.api.confirm(in_flight).raise_for_status()
    until(lambda: story.orders(in_flight), what="the order that nobody answers")

    with _killed(story.stack), ExitStack() as deployed:
        deployed.enter_context(_new_code(story.stack, "saga", "sweep"))
        address = f"127.0.0.1:{ports.free_port()}"
        deployed.enter_context(_new_code(story.stack, "runserver", "--noreload", address))
        until(lambda: _answers(f"http://{address}"), what="the new release")
        assert story.api.until_final(in_flight)["status"] == "confirmed"
        newcomer = Traveller(f"http://{address}").sign_up()
        new = newcomer.book(flight="standard")
        done = _done(newcomer, new)

    assert _done(story.api, in_flight) == ["hold", "authorise", "book", "capture", "confirm"]
    assert done == ["hold", "book", "authorise", "capture", "confirm", "greet"]
    story.check(in_flight)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False

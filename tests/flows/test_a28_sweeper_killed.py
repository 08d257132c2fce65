"""A28: the sweeper is killed: another one takes over; nothing is lost or done twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from devstack.binaries import PROJECT
from devstack.stack import Stack
from tests.flows.conftest import Story
from tests.patience import until


@contextmanager
def _another_sweeper(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", "saga", "sweep"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=stack.env, stdout=subprocess.PIPE, text=True
    ) as sweeper:
        try:
            assert sweeper.stdout is not None
            assert "sweeping" in sweeper.stdout.readline()
            yield sweeper
        finally:
            sweeper.terminate()


def test_another_sweeper_takes_over_what_the_killed_one_was_doing(story: Story) -> None:
    ours = story.stack.processes["sweeper"]
    with _another_sweeper(story.stack):
        reservations = []
        for _ in range(3):
            reservation = story.api.compose(flight="slow", stay="error-once")
            story.api.pay_with(reservation, "pm_card_visa")
            story.api.confirm(reservation).raise_for_status()
            reservations.append(reservation)
        until(lambda: any(story.orders(each) for each in reservations), what="the first order")

        ours.kill()
        try:
            for reservation in reservations:
                assert story.api.until_final(reservation)["status"] == "confirmed"
                story.check(reservation)
        finally:
            ours.start()

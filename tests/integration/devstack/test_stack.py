"""The stack as a whole, with CRM's processes alone: they are the quickest to start."""

import http.client
import signal
import urllib.request
from pathlib import Path

import pytest

from devstack.errors import CannotStartError
from devstack.stack import Stack

CRM = {"web", "sandbox", "relay", "consumer-crm", "worker-crm"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stack")
    env = {"DJANGO_CONTEXTS": "crm"}
    with Stack(directory=directory, throwaway=True, own_servers=True, only=CRM, env=env) as running:
        yield running


@pytest.mark.parametrize("address", ["web", "sandbox"])
def test_what_the_stack_names_answers(stack, address):
    path = {"web": "/readyz", "sandbox": "/healthz"}[address]

    with urllib.request.urlopen(stack.urls[address] + path) as answer:
        status = answer.status

    assert status == http.client.OK


def test_a_command_runs_in_the_environment_of_the_stack(stack):
    done = stack.manage("showmigrations", "--plan")

    assert "[X]" in done.stdout
    assert "[ ]" not in done.stdout


def test_a_command_that_fails_says_why(stack):
    with pytest.raises(CannotStartError, match="Unknown command: 'no_such_command'"):
        stack.manage("no_such_command")

    assert stack.manage("no_such_command", check=False).returncode == 1


def test_a_process_can_be_stopped_and_started_again(stack):
    consumer = stack.processes["consumer-crm"]
    first = consumer.pid

    status = consumer.stop()
    consumer.start()

    assert status == 0
    assert consumer.running
    assert consumer.pid != first


def test_ctrl_c_while_the_database_is_migrated_leaves_nothing(tmp_path, script, until, gone):
    child = script(
        "import sys, pathlib; from devstack import interrupts; from devstack.stack import Stack\n"
        "interrupts.stop_on_signals()\n"
        "with Stack(directory=pathlib.Path(sys.argv[1]), only={'sandbox'}, report=print): pass",
        tmp_path,
    )
    assert "are up" in child.stdout.readline()
    until((tmp_path / "run" / "sandbox.json").exists)
    pids = [int(word) for word in _pids(tmp_path)]

    child.send_signal(signal.SIGINT)

    assert "KeyboardInterrupt" in child.communicate(timeout=30)[1]
    assert len(pids) == 3
    assert all(gone(pid) for pid in pids)
    assert list(tmp_path.rglob("*.partial")) == []


def _pids(directory: Path) -> list[str]:
    notes = (directory / "run").glob("*.json")
    return [note.read_text().partition('"pid": ')[2].partition(",")[0] for note in notes]

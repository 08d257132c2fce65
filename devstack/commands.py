"""What can be asked for on the command line; each returns an exit status."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from devstack import claim, leftovers
from devstack import demo as showcase
from devstack.binaries import PROJECT
from devstack.environment import read_note
from devstack.errors import CannotStartError
from devstack.stack import Stack

VAR = PROJECT / "var"
_DEFAULT_WEB_PORT = 8000
_PORT_VARIABLES = {
    "web": "WEB_PORT",
    "sandbox": "SANDBOX_PORT",
    "postgres": "POSTGRES_PORT",
    "redis": "REDIS_PORT",
}


def demo(options: argparse.Namespace) -> int:
    """Start a fresh stack, book trips, show what happened, stop."""
    stack = Stack(
        directory=VAR / "demo",
        throwaway=True,
        env=showcase.QUICK,
        ports=_ports_of_environment(),
        verbose=options.verbose,
        report=progress(),
    )
    with stack:
        return showcase.main(stack)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, keeping the data for the next time."""
    ports = {"web": _DEFAULT_WEB_PORT, **_ports_of_environment()}
    if options.port:
        ports["web"] = options.port
    report = progress()
    with Stack(
        directory=VAR / "dev", ports=ports, verbose=not options.quiet, report=report
    ) as stack:
        for login in json.loads(stack.manage("seed").stdout)["logins"]:
            print("    {role:>15}: {email} / {password}".format(**login))
        web = stack.urls["web"]
        print(f"              API: {web}/api/v1/docs\n            admin: {web}/admin/")
        print(f"          sandbox: {stack.urls['sandbox']}/ledger")
        report(f"serving on {web}; Ctrl-C stops")
        threading.Event().wait()
    return 0


def test(options: argparse.Namespace) -> int:
    """Run the tests side by side; further words go to pytest and choose tests.

    Five at a time on any machine: the stories on their four stacks (tests/flows/conftest.py) wait more than
    they compute, and another goes through the rest meanwhile.
    """
    parallel = [] if options.words else ["-n", "5"]
    command = [sys.executable, "-m", "pytest", *parallel, *options.words]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def manage(options: argparse.Namespace) -> int:
    """Run manage.py in the environment of the stack that `run` started."""
    try:
        env = read_note(directory=VAR / "dev")
    except FileNotFoundError as error:
        raise CannotStartError("nothing runs here: start it with `make run`") from error
    command = [sys.executable, "manage.py", *options.words]
    return subprocess.run(command, cwd=PROJECT, env=env, check=False).returncode


def shell(options: argparse.Namespace) -> int:
    """Open Django's shell in the environment of the stack that `run` started."""
    options.words = ["shell", *options.words]
    return manage(options)


def stop(options: argparse.Namespace) -> int:
    """Stop what `run`, `demo` and the chaos started, from another terminal, and any leftovers."""
    for directory in (VAR / "dev", VAR / "demo", VAR / "chaos"):
        _stop_owner(directory)
        for name in leftovers.end_leftovers(directory=directory / "run"):
            print(f"ended {name} of {directory.name}")
    return 0


def progress() -> Callable[[str], None]:
    """Return a printer of stages with the seconds since now in front."""
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {line}", flush=True)

    return report


def _ports_of_environment() -> dict[str, int]:
    asked = {}
    for name, variable in _PORT_VARIABLES.items():
        if value := os.environ.get(variable):
            if not value.isdigit() or not 0 < int(value) < 65536:
                raise CannotStartError(
                    f"{variable}={value} is not a port: give a number up to 65535"
                )
            asked[name] = int(value)
    return asked


def _stop_owner(directory: Path) -> None:
    owner = claim.holder(directory=directory / "run")
    if owner is None:
        return
    os.kill(owner, signal.SIGTERM)
    while claim.holder(directory=directory / "run") is not None:
        time.sleep(0.1)
    print(f"stopped {directory.name}")

"""The table of processes: the supervisor starts it, the Procfile repeats it, a test compares the two."""

import shlex
import string
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from devstack.readiness import Alive, Answers, Probe, Says

Ports = Mapping[str, int]


@dataclass(frozen=True)
class Declared:
    """One line of the table: a command as in the Procfile, and how it starts and ends.

    `ready` makes the probe from the ports, `grace` is how many seconds running work may take after
    the stop signal, `group` a word that stands for several. What is not for `production` is left
    out of the Procfile.
    """

    name: str
    command: str
    ready: Callable[[Ports], Probe] = lambda ports: Alive()
    grace: float = 10.0
    group: str = ""
    production: bool = True


def _worker(name: str, *, queue: str, threads: int) -> Declared:
    return Declared(
        name=name,
        command=(
            f"celery -A config worker -Q {queue} -n {queue}@%h -P threads -c {threads} "
            "--without-gossip --without-mingle --without-heartbeat -l warning"
        ),
        ready=lambda ports: Says("[queues]"),  # its banner, printed when the project is loaded
        grace=35,  # longer than one call to a partner may take
        group="workers",
    )


PROCESSES: Final = (
    Declared(
        name="sandbox",
        command=(
            "python -m sandbox --port $SANDBOX_PORT --ledger $SANDBOX_LEDGER --hang $SANDBOX_HANG "
            "--webhook-url http://127.0.0.1:$PORT/api/v1/webhooks/cards "
            "--webhook-secret $STRIPE_WEBHOOK_SECRET"
        ),
        ready=lambda ports: Answers(ports["sandbox"], "/healthz"),
        production=False,
    ),
    Declared(
        name="web",
        command=(
            "gunicorn config.wsgi --workers 2 --threads 8 --worker-class gthread "
            "--bind 127.0.0.1:$PORT --no-control-socket"
        ),
        ready=lambda ports: Answers(ports["web"], "/readyz"),
        grace=35,
    ),
    _worker("worker-reservation", queue="reservation", threads=4),
    _worker("worker-provider", queue="provider", threads=4),
    _worker("worker-payment", queue="payment", threads=4),
    Declared(
        name="sweeper",
        command="python manage.py saga sweep",
        ready=lambda ports: Says("sweeping"),
        grace=35,
    ),
    Declared(name="relay", command="python manage.py eventbus relay"),
    Declared(name="consumer-crm", command="python manage.py eventbus consume crm"),
    _worker("worker-crm", queue="crm", threads=1),
    Declared(name="messages-crm", command="python manage.py send_messages"),
)
_MODULES = {"python": [], "gunicorn": ["-m", "gunicorn"], "celery": ["-m", "celery"]}


def arguments(declared: Declared, *, env: Mapping[str, str]) -> list[str]:
    """Return the command as exec wants it: variables filled in, run by this very Python.

    Raises: KeyError for a variable that `env` lacks.
    """
    program, *words = shlex.split(declared.command)
    filled = [string.Template(word).substitute(env) for word in words]
    return [sys.executable, *_MODULES[program], *filled]


def copies(counts: Mapping[str, int]) -> list[Declared]:
    """Return the further copies of what is to run several times: `sweeper-2`, `sweeper-3`.

    Raises: ValueError for a name that the table lacks, or for a process that owns a port.
    """
    several = {line.name: line for line in PROCESSES if "PORT" not in line.command}
    if unknown := set(counts) - set(several):
        raise ValueError(f"cannot run several times: {', '.join(sorted(unknown))}")
    return [
        replace(several[name], name=f"{name}-{number}")
        for name, count in counts.items()
        for number in range(2, count + 1)
    ]


def procfile() -> str:
    """Return the text of the Procfile: what production runs."""
    lines = [f"{line.name}: {line.command}" for line in PROCESSES if line.production]
    return "\n".join(lines) + "\n"


def chosen(only: set[str] | None) -> list[str]:
    """Return the names to start; `only` holds names and groups, None means all.

    Raises: ValueError for a word that is neither.
    """
    known = {word for line in PROCESSES for word in (line.name, line.group) if word}
    if unknown := (only or set()) - known:
        raise ValueError(
            f"no such process: {', '.join(sorted(unknown))}; there are: {sorted(known)}"
        )
    return [line.name for line in PROCESSES if only is None or {line.name, line.group} & only]

"""What a sign-up costs, and what becomes of it while CRM is down, slow, or Booking dies in between."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
from django.db import connection

from booking import commands
from crm.models import Profile
from eventbus import testing
from examples.comparison.commanded import booking_side
from tests.architecture.cost import counted
from tests.compare import kills
from tests.integration.booking.traveller import PASSWORD

PERSON: Final = {"password": PASSWORD, "full_name": "Ada Trip"}
SECONDS: Final = 30.0
LATE_SECONDS: Final = 5.0
"""How long a profile is waited for that a slow CRM may still create."""
THERE: Final = {
    (True, True): "account and profile",
    (True, False): "an account without a profile",
    (False, True): "a profile without an account",
    (False, False): "nothing",
}
"""By whether there is an account, and whether there is a profile."""


def _commanding(email: str) -> None:
    booking_side.register_account(email=email, **PERSON)


def _publishing(email: str) -> None:
    commands.register_account(email=email, **PERSON)


WAYS: Final[dict[str, Callable[[str], None]]] = {
    "commanded": _commanding,
    "published": _publishing,
}


@contextmanager
def crm() -> Iterator[subprocess.Popen[bytes]]:
    """Serve CRM alone, in a process of its own; `CRM_URL` leads to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["CRM_URL"] = f"http://127.0.0.1:{port}"
    words = ["config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--no-control-socket"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *words],
        env={**os.environ, "DJANGO_CONTEXTS": "crm"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until_ready()
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=SECONDS)


def _until_ready() -> None:
    """Wait until CRM answers; with its first answer it has loaded everything."""
    ends_at = time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        try:
            httpx.get(f"{os.environ['CRM_URL']}/readyz", timeout=SECONDS).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("CRM does not answer")


def survival() -> dict[str, Any]:
    """Sign up while CRM is up, slow and down; say what each way leaves on both sides."""
    testing.deliver(tolerate_failures=True)
    found: dict[str, dict[str, str]] = {name: {} for name in WAYS}
    with crm():
        for name, sign_up in WAYS.items():
            found[name]["CRM is up"] = _after(sign_up)
        for name, sign_up in WAYS.items():
            found[name]["CRM is slow"] = _after(sign_up, during=slowness())
    for name, sign_up in WAYS.items():
        found[name]["CRM is down"] = _after(sign_up)
    return found


@contextmanager
def slowness() -> Iterator[None]:
    """Let CRM take longer than Booking waits, and then go on: somebody holds its table."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("LOCK TABLE crm_profile IN EXCLUSIVE MODE")
        yield


def _after(
    sign_up: Callable[[str], None], during: AbstractContextManager[None] | None = None
) -> str:
    """Sign up; say how that ended, and which of account and profile are there when all is quiet again."""
    email = f"{uuid.uuid4().hex}@example.com"
    with during or nullcontext():
        try:
            sign_up(email)
            said = "signed up"
        except Exception as error:  # noqa: BLE001 - what comes is the measurement
            said = f"refused ({type(error).__name__})"
    return f"{said}: {_both(email, seconds=LATE_SECONDS if during else 0)}"


def _both(email: str, *, seconds: float = 0) -> str:
    """Let everything arrive that is on its way, for so many seconds, then say what there is of a person."""
    testing.deliver(tolerate_failures=True)
    has_account = _account_of(email) is not None
    ends_at = time.monotonic() + seconds
    while not Profile.objects.filter(email=email).exists() and time.monotonic() < ends_at:
        time.sleep(0.05)
    return THERE[has_account, Profile.objects.filter(email=email).exists()]


def _account_of(email: str) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account.id FROM booking_account account"
            " JOIN identity_user login ON login.id = account.user_id WHERE login.email = %s",
            [email],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def costs(*, count: int = 20) -> dict[str, Any]:
    """Return statements in Booking's process, and the median milliseconds of a sign-up, CRM being up."""
    found: dict[str, Any] = {}
    with crm():
        for name, sign_up in WAYS.items():
            sign_up(f"{uuid.uuid4().hex}@example.com")
            with counted() as cost:
                sign_up(f"{uuid.uuid4().hex}@example.com")
            times = sorted(_seconds(sign_up) for _ in range(count))
            found[name] = {"statements": cost.statements, "ms": 1000 * times[len(times) // 2]}
    return found


def _seconds(sign_up: Callable[[str], None]) -> float:
    began = time.perf_counter()
    sign_up(f"{uuid.uuid4().hex}@example.com")
    return time.perf_counter() - began


def crashes() -> dict[str, Any]:
    """Kill Booking at each point of a sign-up; count what is left on both sides when all is quiet."""
    with crm():
        return {name: _crashes(sign_up) for name, sign_up in WAYS.items()}


def _crashes(sign_up: Callable[[str], None]) -> dict[str, Any]:
    whole = f"{uuid.uuid4().hex}@example.com"
    points = kills.in_a_child(lambda _: sign_up(whole), kills.Fuse()).last("crossed")
    left: dict[str, int] = {}
    for point in range(1, len(points) + 1):
        email = f"{uuid.uuid4().hex}@example.com"
        told = kills.in_a_child(lambda _, email=email: sign_up(email), kills.Fuse(at=point))
        assert told.killed, (point, told.said)
        ended = _both(email)
        left[ended] = left.get(ended, 0) + 1
    return {"tried": len(points), "left": left}

"""The runbook's commands, each typed as the page shows it, on a system in which something is wrong."""

import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import base, execute_from_command_line

from booking.models import Account, Discrepancy
from booking.orchestrator.models import SagaEvent, SagaInstance
from crm.management.commands import send_messages
from eventbus import testing
from eventbus.models import InboxEntry, OutboxEntry
from providers.models import Breaker, Partner
from tests.architecture import documents, terminal
from tests.integration.booking.ledgers import sandbox  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)

LINES = documents.shell("docs/runbook.md")
SPANS = sorted(set(documents.spans("docs/runbook.md")))
NAMES = {"make run", "manage.py saga"}
"""Of the spans: given elsewhere, and the name of a command without its verb."""
MORE = {"manage.py createsuperuser": ["--no-input", "--email", "root@example.com"]}
"""What a person would be asked."""


@pytest.fixture
def system(books: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Two parked sagas, one on its way, two dead letters, a booking that the partner no longer has."""
    # The process of a command ends with it, and with it its connection; the clock is moved in this one.
    monkeypatch.setattr(base.connections, "close_all", lambda: None)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    stuck = [books.book("skyways:cancel-fails", "restwell:sold-out") for _ in range(2)]
    confirmed = books.book("wheelio:standard")
    running = books.compose("skyways:standard")
    books.ada.send(f"reservations/{running}/confirm", key="1")
    books.at_partner(books.there(confirmed).rows[0])
    books.forward()
    for name in ("eve@example.com", "bob@example.com"):
        import_module("tests.integration.booking.traveller").Traveller(name)
    unreadable = OutboxEntry.objects.filter(type="booking.account_registered.v1")[1:]
    OutboxEntry.objects.filter(pk__in=[one.pk for one in unreadable]).update(
        type="booking.account_registered.v9"
    )
    testing.deliver(tolerate_failures=True)
    first, second = (SagaInstance.objects.get(subject_id=trip) for trip in stuck)
    return SimpleNamespace(
        first=first,
        second=second,
        running=SagaInstance.objects.get(subject_id=running),
        dead=list(InboxEntry.objects.filter(status=InboxEntry.Status.DEAD).order_by("pk")),
        account=Account.objects.get(pk=books.ada.account_id),
    )


def filled_in(line: str, system: SimpleNamespace) -> str:
    """Return a line with what a person would have read off the answers before."""
    saga = {"resolve": system.second, "cancel": system.running}
    verb = line.split()[2] if line.startswith("manage.py saga") else ""
    stuck = system.second.calls.filter(direction="compensate").exclude(reason="").first()
    found = Discrepancy.objects.order_by("-pk").first()
    values = {
        "<saga id>": saga.get(verb, system.first).pk,
        "<saga id or reservation id>": system.first.subject_id,
        "<item>": stuck.item if stuck else "",
        "<id>": system.dead["--skip" in line].pk,
        "<event id>": system.dead[0].event_id,
        "<account id>": system.account.pk,
        "<the restored instant>": "2h",
        "--settle 17": f"--settle {found.pk if found else 0}",
    }
    for written, value in values.items():
        line = line.replace(written, str(value))
    assert "<" not in line, line
    return line


def typed(line: str, capsys: pytest.CaptureFixture[str], to: Path) -> tuple[int, str]:
    """Give a command of `manage.py` as a process would that ends with it; return status and output."""
    command, _, file = line.partition(" > ")
    status = 0
    try:
        execute_from_command_line([*shlex.split(command), *MORE.get(command, [])])
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    if file:
        (to / file).write_text(said.out)
    return status, said.out + said.err


def is_wrong(line: str) -> bool:
    """Whether a command has just told of something wrong: no relay runs, and until it is settled the books differ."""
    is_settled = Discrepancy.objects.filter(actor="you@example.com").exists()
    return line.startswith("manage.py eventbus doctor") or (
        line.startswith("manage.py saga audit") and not is_settled
    )


def swept_once(sweep: Callable[[Event], int]) -> Callable[[Event], int]:
    """Let a loop end after its first look, as by SIGTERM."""

    def once(stop: Event) -> int:
        tried = sweep(stop)
        stop.set()
        return tried

    return once


def test_the_commands_of_the_page_do_what_it_says(
    system: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(send_messages, "_sweep", swept_once(send_messages._sweep))
    monkeypatch.setattr(send_messages.signal, "signal", lambda *_: None)
    for line in [one for one in [*LINES, *SPANS] if one not in NAMES and "curl" not in one]:
        status, said = typed(filled_in(line, system), capsys, tmp_path)
        assert status == int(is_wrong(line)), f"{line}\n{said}"

    kept = SagaEvent.objects.filter(actor="you@example.com")
    assert set(kept.values_list("kind", flat=True)) == {"retried", "resolved", "cancel_requested"}
    settled = [InboxEntry.objects.get(pk=entry.pk).status for entry in system.dead]
    assert settled == [InboxEntry.Status.RETRY, InboxEntry.Status.SKIPPED]
    assert Discrepancy.objects.filter(actor="you@example.com").count() == 1
    assert (tmp_path / "saga.svg").read_text().startswith("<svg ")
    system.account.refresh_from_db()
    assert system.account.full_name != "Ada Trip"
    assert not Breaker.objects.filter(partner__slug="skyways").exists()
    assert not Partner.objects.get(slug="skyways").active
    assert get_user_model().objects.get(email="root@example.com").is_superuser


def test_the_first_look_asks_the_web_server(live_server: Any, tmp_path: Path) -> None:
    [line] = [one for one in LINES if one.startswith("curl")]
    path = terminal.stand_ins(tmp_path)

    said = terminal.give(line.replace("http://127.0.0.1:8000", live_server.url), PATH=path)

    assert '"ok"' in said


def test_nothing_of_the_page_is_left_out() -> None:
    given = ("manage.py ", "curl ")

    assert [line for line in [*LINES, *SPANS] if not line.startswith((*given, *NAMES))] == []

"""Adding a listener touches only the listener: Loyalty lives in `newcomer/`, nothing else knows it."""

import json
import uuid
from pathlib import Path

import pytest
from django.db import connection, transaction

from eventbus import connections, publish, testing
from eventbus.models import Cursor, InboxEntry, Stream
from tests.integration.crm.story import ACCOUNT, OTHER_ACCOUNT, Story
from tests.integration.eventbus.conftest import made_relay
from tests.integration.eventbus.processes import ROOT, Processes, environment
from tests.patience import until

HERE = Path(__file__).parent / "newcomer"


@pytest.fixture
def loyalty(transactional_db, tmp_path):
    """The project with Loyalty installed, in processes of its own; its table is there for this test."""
    connections.client(timeout=2).flushdb()
    env = environment(
        HERE, DJANGO_SETTINGS_MODULE="loyalty_settings", LOYALTY_DOCUMENTS=str(tmp_path)
    )
    manage = Processes(env, module="django")
    manage.run("migrate", "loyalty")
    yield manage
    manage.kill()
    manage.run("migrate", "loyalty", "zero")


def confirm(account_id: uuid.UUID) -> None:
    """Let Booking say that a trip of 300 EUR is confirmed."""
    told = Story().confirmed(reservation_id=uuid.uuid4(), account_id=account_id).events
    with transaction.atomic():
        publish.publish(told[0].event)


def points() -> dict[uuid.UUID, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id, sum(points) FROM loyalty_award GROUP BY account_id")
        return dict(cursor.fetchall())


def test_a_second_listener_hears_the_past_and_the_present_and_disturbs_nobody(loyalty):
    confirm(ACCOUNT)
    testing.deliver()
    crm_before = InboxEntry.objects.filter(group="crm").count()

    loyalty.start("eventbus", "consume", "loyalty")
    until(lambda: points() == {ACCOUNT: 300}, seconds=60)
    confirm(ACCOUNT)
    confirm(OTHER_ACCOUNT)
    made_relay().relay(stream="booking")
    until(lambda: points() == {ACCOUNT: 600, OTHER_ACCOUNT: 300})

    assert (
        Cursor.objects.get(group="loyalty").position == Stream.objects.get(name="booking").head == 3
    )
    assert InboxEntry.objects.filter(group="loyalty", status="done").count() == 3
    assert InboxEntry.objects.filter(group="crm").count() == crm_before


def test_the_catalogue_and_the_checks_know_the_newcomer(loyalty, tmp_path):
    loyalty.run("check")
    loyalty.run("eventbus", "catalogue")

    page = (tmp_path / "docs" / "events.md").read_text()
    lock = json.loads((tmp_path / "docs" / "events.lock.json").read_text())

    assert "crm: `record_confirmed_trip`<br>loyalty: `award_points`" in page
    assert 'reservation -->|"reservation.confirmed.v1"| loyalty_group' in page
    assert lock["events"]["reservation.confirmed.v1"]["handlers"] == [
        "crm:crm.handlers.record_confirmed_trip",
        "loyalty:loyalty.handlers.award_points",
    ]


@pytest.mark.parametrize(
    "package", ["booking", "reservation", "providers", "payments", "crm", "eventbus"]
)
def test_nobody_was_changed_for_the_newcomer(package):
    sources = (path.read_text() for path in (ROOT / package).rglob("*.py"))

    assert not any("loyalty" in source.lower() for source in sources)

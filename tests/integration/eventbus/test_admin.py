"""The bus in the web admin: read only, but for settling the dead."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from backoffice.models import AuditEntry
from eventbus import connections, testing
from eventbus.models import InboxEntry, OutboxEntry
from tests.integration.backoffice.people import somebody
from tests.integration.eventbus import sample


@pytest.fixture
def operator(client, bus):
    """A signed-in operator who may look and settle."""
    user = get_user_model().objects.create_superuser(email="ada@example.com", password="x" * 20)
    client.force_login(user)
    return client


@pytest.fixture
def dead_entry(bus, subject) -> InboxEntry:
    sample.say(subject, 1)
    OutboxEntry.objects.update(type="tests.noted.v9")
    testing.deliver(tolerate_failures=True)
    return InboxEntry.objects.get()


def settle(client, action: str, entry: InboxEntry, reason: str):
    form = {"action": action, "_selected_action": [entry.pk], "confirmed": "yes", "reason": reason}
    return client.post(reverse("admin:eventbus_inboxentry_changelist"), form)


@pytest.mark.parametrize("model", ["outboxentry", "inboxentry", "cursor", "stream", "heartbeat"])
def test_every_page_opens(operator, dead_entry, model):
    response = operator.get(reverse(f"admin:eventbus_{model}_changelist"))

    assert response.status_code == 200


def test_personal_fields_are_masked(operator, subject):
    sample.say(subject, 1)
    entry = OutboxEntry.objects.get()

    page = operator.get(
        reverse("admin:eventbus_outboxentry_change", args=[entry.pk])
    ).content.decode()

    assert "•••" in page
    assert "nobody" not in page


def test_nothing_can_be_edited(operator, dead_entry):
    url = reverse("admin:eventbus_inboxentry_change", args=[dead_entry.pk])

    assert operator.post(url, {"status": "done"}).status_code == 403
    assert operator.get(reverse("admin:eventbus_outboxentry_add")).status_code == 403


def test_a_dead_entry_is_skipped_by_name_and_with_a_reason(operator, dead_entry):
    settle(operator, "skip", dead_entry, "a test booking")

    dead_entry.refresh_from_db()
    assert (dead_entry.status, dead_entry.resolved_by, dead_entry.reason) == (
        "skipped",
        "ada@example.com",
        "a test booking",
    )


def test_a_dead_entry_is_retried(operator, dead_entry):
    settle(operator, "retry", dead_entry, "fixed")

    dead_entry.refresh_from_db()
    assert dead_entry.status == "retry"


def test_without_a_reason_nothing_is_settled(operator, dead_entry):
    settle(operator, "skip", dead_entry, "")

    dead_entry.refresh_from_db()
    assert dead_entry.status == "dead"


def test_who_may_only_look_cannot_settle(client, dead_entry):
    client.force_login(somebody("support"))

    settle(client, "skip", dead_entry, "because")
    page = client.get(reverse("admin:eventbus_inboxentry_change", args=[dead_entry.pk]))

    dead_entry.refresh_from_db()
    assert dead_entry.status == "dead"
    assert 'name="action"' not in page.content.decode()


def test_nothing_is_settled_before_it_was_asked_for_once_more(operator, dead_entry):
    form = {"action": "skip", "_selected_action": [dead_entry.pk], "reason": "because"}

    page = operator.post(reverse("admin:eventbus_inboxentry_changelist"), form)

    dead_entry.refresh_from_db()
    assert "never gets this event" in page.content.decode()
    assert dead_entry.status == "dead"


def test_a_settled_entry_is_in_the_audit_log(operator, dead_entry):
    settle(operator, "skip", dead_entry, "a test booking")

    entry = AuditEntry.objects.get(action="skip")
    assert (entry.actor, entry.reason) == ("ada@example.com", "a test booking")
    assert entry.target == f"inbox entry {dead_entry.pk}"


def test_the_page_of_a_dead_entry_shows_what_is_parked_behind_it(operator, dead_entry, subject):
    sample.say(subject, 2)
    testing.deliver(tolerate_failures=True)

    page = operator.get(reverse("admin:eventbus_inboxentry_change", args=[dead_entry.pk]))

    assert "Parked behind it" in page.content.decode()
    assert [row.position for row in page.context["parked"]] == [2]
    assert [deed.name for deed in page.context["buttons"]] == ["retry", "skip"]


def test_the_page_of_an_event_shows_who_reacted_and_what_that_caused(operator, bus, subject):
    sample.reacting.add(1)
    sample.say(subject, 1)
    testing.deliver()
    entry = OutboxEntry.objects.get(type="tests.noted.v1")

    pages = [
        operator.get(reverse("admin:eventbus_outboxentry_change", args=[entry.pk])),
        operator.get(reverse("admin:eventbus_about", args=[subject])),
    ]

    for page in pages:
        assert "sample: tests.integration.eventbus.sample.note" in page.content.decode()
        assert "tests.reacted.v1" in page.content.decode()


def test_the_catalogue_shows_every_event_with_its_listeners(operator, bus):
    page = operator.get(reverse("admin:eventbus_catalogue")).content.decode()

    assert "tests.noted.v1" in page
    assert "author*" in page
    assert "tests.integration.eventbus.sample.note" in page


def test_the_first_page_tells_what_is_late_and_what_is_dead(operator, dead_entry, subject):
    sample.say(subject, 2)

    panel = next(p for p in operator.get("/admin/").context["panels"] if "lag_events" in p)

    assert (panel["dead"], [row.pk for row in panel["dead_entries"]]) == (1, [dead_entry.pk])


def test_the_first_page_does_not_need_redis(operator, bus, monkeypatch):
    def refuse(**kwargs: object) -> None:
        raise AssertionError("Redis was asked")

    monkeypatch.setattr(connections, "client", refuse)

    assert operator.get("/admin/").status_code == 200

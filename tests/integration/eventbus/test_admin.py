"""The bus in the web admin: read only, but for settling the dead."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from eventbus import testing
from eventbus.models import InboxEntry, OutboxEntry
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
    return client.post(
        reverse("admin:eventbus_inboxentry_changelist"),
        {"action": action, "_selected_action": [entry.pk], "reason": reason},
    )


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
    user = get_user_model().objects.create_user(email="bob@example.com", password="x" * 20)
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_inboxentry"))
    client.force_login(user)

    settle(client, "skip", dead_entry, "because")

    dead_entry.refresh_from_db()
    assert dead_entry.status == "dead"

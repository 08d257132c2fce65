"""Messages leave once, with the traveller's consent, whatever the mail server does."""

import email
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from crm import delivery, domain, tasks
from crm.commands import customers
from crm.domain import Choice
from crm.models import Consent, Interaction, Message, MessageStatus, Profile
from outbound import broker
from tests.integration.crm import smtp_server
from tests.integration.crm.desk import staff_of
from tests.integration.crm.story import ACCOUNT, AIRLINE, HOTEL, Story, tell_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_server(settings):
    with smtp_server.running() as script:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", script.port
        settings.EMAIL_TIMEOUT = 2
        yield script


@pytest.fixture
def agent():
    """A member of the hotel's staff, which has a customer and nothing left to send."""
    tell_all(Story().whole_trip().events)
    Message.objects.all().delete()
    return staff_of(HOTEL)


def queued(agent, *, purpose="transactional", key="a key", subject="Your room"):
    return customers.queue_message(
        provider_id=HOTEL,
        account_id=ACCOUNT,
        channel="email",
        purpose=purpose,
        subject=subject,
        body="It is ready.",
        author_id=agent.pk,
        key=key,
    )


def say(granted, *, purpose="marketing"):
    choice = Choice(channel="email", purpose=purpose, granted=granted)
    customers.record_preferences(
        provider_id=HOTEL, account_id=ACCOUNT, choices=[choice], source="staff"
    )


def sent(message):
    delivery.send(message_id=message.id)
    message.refresh_from_db()
    return message


def make_due(message):
    Message.objects.filter(pk=message.pk, status="queued").update(due_at=timezone.now())
    Message.objects.filter(pk=message.pk, status="sending").update(lease_until=timezone.now())


def test_the_thank_you_of_each_provider_reaches_the_traveller(mail_server):
    tell_all(Story().whole_trip().events)

    call_command("send_messages", "--once")

    mails = sorted(
        (email.message_from_string(text) for text in mail_server.mails), key=lambda m: m["From"]
    )
    assert [mail["From"] for mail in mails] == [
        "Restwell <travel@localhost>",
        "Skyways <travel@localhost>",
    ]
    assert {mail["To"] for mail in mails} == {"ada@example.com"}
    assert mails[1]["Subject"] == "Confirmed: LHR-JFK"
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
    assert Interaction.objects.filter(kind="message_sent").count() == 2


@pytest.mark.parametrize(
    ("purpose", "word", "status"),
    [
        ("marketing", None, "suppressed"),
        ("marketing", True, "sent"),
        ("marketing", False, "suppressed"),
        ("service", None, "sent"),
        ("service", False, "suppressed"),
        ("transactional", None, "sent"),
    ],
)
def test_a_message_respects_the_traveller_s_word(agent, mail_server, purpose, word, status):
    if word is not None:
        say(word, purpose=purpose)

    assert sent(queued(agent, purpose=purpose)).status == status
    assert len(mail_server.mails) == (status == "sent")


def test_whoever_opts_out_gets_no_marketing_but_still_what_belongs_to_the_trip(agent, mail_server):
    say(True)
    offer, voucher = queued(agent, purpose="marketing"), queued(agent, key="another")
    say(False)

    assert sent(offer).reason == "consent_withdrawn"
    assert sent(voucher).status == "sent"
    assert [email.message_from_string(text)["Subject"] for text in mail_server.mails] == [
        "Your room"
    ]


def test_consent_given_to_one_provider_is_not_consent_to_another(agent, mail_server):
    choice = Choice(channel="email", purpose="marketing", granted=True)
    customers.record_preferences(
        provider_id=AIRLINE, account_id=ACCOUNT, choices=[choice], source="staff"
    )

    assert sent(queued(agent, purpose="marketing")).status == "suppressed"


def test_the_link_in_a_marketing_mail_declines_the_next_one(agent, mail_server, client):
    say(True)
    sent(queued(agent, purpose="marketing"))
    link = email.message_from_string(mail_server.mails[0])["List-Unsubscribe"].strip("\r\n <>")
    path = link.removeprefix("http://127.0.0.1:8000")

    looked = client.get(path)
    still_granted = Consent.latest(provider_id=HOTEL, account_id=ACCOUNT).get().granted
    declined = client.post(path, {"List-Unsubscribe": "One-Click"})

    assert (looked.status_code, still_granted, declined.status_code) == (200, True, 200)
    assert sent(queued(agent, purpose="marketing", key="next")).status == "suppressed"
    assert client.post(path[:-3] + "abc").status_code == 404


def test_a_message_is_sent_once_however_often_the_task_runs(agent, mail_server):
    message = queued(agent)

    for _ in range(3):
        tasks.send_messages(message_ids=[str(message.id)])

    assert len(mail_server.mails) == 1


def test_a_no_for_now_is_tried_again_later_and_then_succeeds(agent, mail_server):
    mail_server.replies = ["451 busy"]
    message = sent(queued(agent))
    status, wait = message.status, message.due_at - timezone.now()
    early = sent(message).status

    make_due(message)

    assert (status, early) == ("queued", "queued")
    assert timedelta(seconds=20) < wait < timedelta(seconds=31)
    assert sent(message).status == "sent"
    assert len(mail_server.mails) == 1


@pytest.mark.parametrize("reply", ["550 no such mailbox", "rcpt 550 no such mailbox"])
def test_a_lasting_no_is_not_tried_again(agent, mail_server, reply):
    mail_server.replies = [reply]

    message = sent(queued(agent))

    assert (message.status, message.attempts) == ("failed", 1)
    assert "550" in message.reason
    assert mail_server.mails == []


def test_a_server_that_is_not_there_costs_an_attempt_and_nothing_else(agent, mail_server, settings):
    settings.EMAIL_PORT = 1
    say(True)

    message = sent(queued(agent, purpose="marketing"))

    assert (message.status, message.attempts) == ("queued", 1)


def test_a_lost_answer_repeats_a_transactional_mail_under_the_same_id(agent, mail_server):
    mail_server.replies = ["drop"]
    message = sent(queued(agent))
    make_due(message)

    sent(message)

    ids = [email.message_from_string(text)["Message-ID"] for text in mail_server.mails]
    assert message.status == "sent"
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_lost_answer_never_repeats_a_marketing_mail(agent, mail_server):
    say(True)
    mail_server.replies = ["drop"]
    message = sent(queued(agent, purpose="marketing"))
    make_due(message)

    sent(message)

    assert message.status == "failed"
    assert len(mail_server.mails) == 1


@pytest.mark.parametrize(
    ("purpose", "status"), [("transactional", "sent"), ("marketing", "failed")]
)
def test_a_sender_that_died_is_taken_over_when_its_lease_ends(agent, mail_server, purpose, status):
    say(True)
    message = queued(agent, purpose=purpose)
    claim = delivery._claim(message.id)
    while_leased = sent(message).status
    make_due(message)

    assert claim is not None
    assert while_leased == "sending"
    assert sent(message).status == status


def test_a_late_sender_does_not_overwrite_a_newer_attempt(agent, mail_server):
    message = queued(agent)
    late = delivery._claim(message.id)
    make_due(message)
    sent(message)

    delivery._record(late, status=MessageStatus.FAILED, reason="too late")

    message.refresh_from_db()
    assert (message.status, message.reason) == ("sent", "")


def test_attempts_end(agent, mail_server):
    message = queued(agent)
    mail_server.replies = ["451 busy"] * 20

    for _ in range(domain.MAX_ATTEMPTS + 3):
        make_due(message)
        sent(message)

    assert (message.status, message.attempts) == ("failed", domain.MAX_ATTEMPTS)


def test_a_message_waits_for_the_traveller_s_address(mail_server):
    tell_all(Story().providers().confirmed().events)
    message = Message.objects.get(provider=HOTEL)
    unaddressed = sent(message)
    status, attempts = unaddressed.status, unaddressed.attempts
    Profile.objects.update(email="ada@example.com")
    make_due(message)

    assert (status, attempts) == ("queued", 0)
    assert sent(message).status == "sent"


def test_the_same_key_makes_one_message_and_refuses_another_text(agent):
    first, second = queued(agent), queued(agent)

    assert first == second
    with pytest.raises(domain.KeyReused):
        queued(agent, subject="Something else")


def test_a_broker_that_is_not_there_harms_nobody(
    agent, settings, django_capture_on_commit_callbacks
):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    broker.forget()

    with django_capture_on_commit_callbacks(execute=True):
        message = queued(agent)

    assert message.status == "queued"
    with pytest.raises(broker.BrokerAway, match="left alone"), broker.producer():
        pass
    broker.forget()

"""Send one message: claim its row, hand it to the mail server, record the answer.

The mail server is never asked inside a transaction. A claim carries a lease; `attempts` fences whoever
comes back late. SMTP cannot tell whether a mail was taken when the connection breaks: transactional
messages are then sent again under the same Message-ID, all others are given up (at most once).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crm import domain, unsubscribing
from crm.gateways import mail
from crm.models import Consent, Direction, Interaction, Kind, Message, MessageStatus, Purpose

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=3)
"""Longer than the mail backend's time-out allows one conversation to last."""

_UNADDRESSED_WAIT: Final = timedelta(seconds=30)
_TOLD: Final = {
    MessageStatus.SENT: Kind.MESSAGE_SENT,
    MessageStatus.FAILED: Kind.MESSAGE_FAILED,
    MessageStatus.SUPPRESSED: Kind.MESSAGE_SUPPRESSED,
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One attempt at one message."""

    message_id: UUID
    attempt: int
    letter: mail.Letter


def send(*, message_id: UUID) -> None:
    """Send one message if it is due, may leave, and nobody else is sending it."""
    claim = _claim(message_id)
    if claim is None:
        return
    try:
        mail.send(claim.letter)
    except mail.MailRefused as error:
        _record(claim, status=MessageStatus.FAILED, reason=str(error))
    except mail.MailNotSent as error:
        _record(claim, status=MessageStatus.QUEUED, reason=str(error))
    except mail.MailOutcomeUnknown as error:
        _record(claim, status=None, reason=f"outcome unknown: {error}")
    else:
        _record(claim, status=MessageStatus.SENT)


def due(*, limit: int) -> list[UUID]:
    """Return the messages to send now, the longest waiting first."""
    rows = Message.claimable(now=timezone.now()).order_by("queued_at", "id")
    return list(rows.values_list("id", flat=True)[:limit])


@transaction.atomic
def _claim(message_id: UUID) -> Claim | None:
    """Take the message, or settle it without sending."""
    now = timezone.now()
    message = (
        Message.claimable(now=now)
        .select_related("profile", "provider")
        .select_for_update(of=("self",), skip_locked=True)
        .filter(id=message_id)
        .first()
    )
    if message is None or _settled_unsent(message, now=now):
        return None
    message.claim(now=now, lease=LEASE)
    letter = _letter(message)
    message.message_id = letter.message_id
    message.save()
    return Claim(message_id=message.id, attempt=message.attempts, letter=letter)


def _settled_unsent(message: Message, *, now: datetime) -> bool:
    """Settle or put off what must not be sent now; tell whether that was so."""
    lost = message.status == MessageStatus.SENDING
    spent = message.attempts >= domain.MAX_ATTEMPTS
    if lost and (spent or not domain.may_repeat(purpose=message.purpose)):
        _end(message, MessageStatus.FAILED, now=now, reason="outcome unknown: the sender is gone")
    elif reason := domain.suppression_of(purpose=message.purpose, word=_word(message)):
        _end(message, MessageStatus.SUPPRESSED, now=now, reason=reason)
    elif not message.profile.email and not domain.is_fresh(happened_at=message.queued_at, now=now):
        _end(message, MessageStatus.FAILED, now=now, reason="no address")
    elif not message.profile.email:
        # The account's own event has not arrived yet: this costs no attempt.
        message.postpone(until=now + _UNADDRESSED_WAIT, reason="no address yet")
        message.save()
    else:
        return False
    return True


def _word(message: Message) -> bool | None:
    """Return the traveller's latest word about this channel and purpose, if there is one."""
    latest = Consent.latest(provider_id=message.provider_id, account_id=message.profile_id)
    row = latest.filter(channel=message.channel, purpose=message.purpose).first()
    return None if row is None else row.granted


@transaction.atomic
def _record(claim: Claim, *, status: MessageStatus | None, reason: str = "") -> None:
    """Record an attempt's outcome, unless a later attempt has begun; None means unknown."""
    now = timezone.now()
    message = (
        Message.objects.select_for_update()
        .filter(id=claim.message_id, status=MessageStatus.SENDING, attempts=claim.attempt)
        .first()
    )
    if message is None:
        logger.warning("message %s: attempt %s came back late", claim.message_id, claim.attempt)
        return
    if status is None:
        repeat = domain.may_repeat(purpose=message.purpose)
        status = MessageStatus.QUEUED if repeat else MessageStatus.FAILED
    if status == MessageStatus.QUEUED:
        wait = domain.retry_wait(attempts=message.attempts)
        if wait is not None:
            message.postpone(until=now + wait, reason=reason)
            message.save()
            return
        status = MessageStatus.FAILED
    _end(message, status, now=now, reason=reason)


def _end(message: Message, status: MessageStatus, *, now: datetime, reason: str = "") -> None:
    message.end(status, now=now, reason=reason)
    message.save()
    Interaction.ours(
        row=message,
        kind=_TOLD[status],
        direction=Direction.OUTBOUND,
        summary=message.subject,
        actor_id=message.author_id,
    )


def _letter(message: Message) -> mail.Letter:
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    body, headers = message.body, {}
    if message.purpose != Purpose.TRANSACTIONAL:
        link = unsubscribing.link(
            provider_id=message.provider_id,
            account_id=message.profile_id,
            channel=message.channel,
            purpose=message.purpose,
        )
        body = f"{body}\n\n-- \nTo receive no more of these: {link}"
        headers = unsubscribing.headers(link)
    return mail.Letter(
        sender_name=str(message.provider),
        recipient=message.profile.email,
        subject=message.subject,
        body=body,
        message_id=f"<{message.id}@{host}>",
        headers=headers,
    )

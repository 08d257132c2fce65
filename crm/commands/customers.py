"""What a provider's staff do for their customers: notes, preferences, messages.

Every command is one transaction, locks the relationship, and acts once for each key.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm import domain, tasks, unsubscribing
from crm.domain import Choice
from crm.models import (
    Channel,
    Consent,
    Direction,
    Interaction,
    Kind,
    Message,
    Note,
    Purpose,
    Relationship,
    Repeatable,
)


@transaction.atomic
def add_note(
    *, provider_id: UUID, account_id: UUID, author_id: UUID, text: str, key: str | None = None
) -> Note:
    """Keep a note about a customer; the same `key` again returns the note it made.

    Raises:
        CustomerUnknown: not a customer of this provider.
        KeyReused: the key belongs to another note.
    """
    Relationship.of(provider_id=provider_id, account_id=account_id, lock=True)
    wanted = {"profile_id": account_id, "author_id": author_id, "text": text}
    if key is None:
        note, created = Note.objects.create(provider_id=provider_id, **wanted), True
    else:
        note, created = Note.objects.get_or_create(
            provider_id=provider_id, key=key, defaults=wanted
        )
    if not created:
        _found_again(note, wanted)
        return note
    Interaction.ours(
        row=note,
        kind=Kind.NOTE_ADDED,
        direction=Direction.INTERNAL,
        summary="A note was added.",
        actor_id=author_id,
    )
    return note


@transaction.atomic
def record_preferences(
    *,
    provider_id: UUID,
    account_id: UUID,
    choices: Sequence[Choice],
    source: str,
    recorded_by: UUID | None = None,
) -> list[Consent]:
    """Append the traveller's words to the ledger, unless they say nothing new; return the new entries.

    Raises:
        CustomerUnknown: not a customer of this provider.
        NotAChoice: a choice is about transactional messages.
    """
    if any(choice.purpose == Purpose.TRANSACTIONAL for choice in choices):
        raise domain.NotAChoice("Messages about a booked trip are part of the booking.")
    Relationship.of(provider_id=provider_id, account_id=account_id, lock=True)
    known = {
        (row.channel, row.purpose): row.as_choice()
        for row in Consent.latest(provider_id=provider_id, account_id=account_id)
    }
    return [
        _record(provider_id, account_id, choice, source=source, recorded_by=recorded_by)
        for choice in choices
        if known.get((choice.channel, choice.purpose)) != choice
    ]


def unsubscribe(*, token: str) -> None:
    """Take a traveller's no, given through the link in a message.

    Raises:
        LinkRefused: the link is not one of ours.
        CustomerUnknown: not a customer (any more).
    """
    address = unsubscribing.read(token)
    record_preferences(
        provider_id=address.provider_id,
        account_id=address.account_id,
        choices=[Choice(channel=address.channel, purpose=address.purpose, granted=False)],
        source="link",
    )


@transaction.atomic
def queue_message(
    *,
    provider_id: UUID,
    account_id: UUID,
    channel: str,
    purpose: str,
    subject: str,
    body: str,
    author_id: UUID,
    key: str,
) -> Message:
    """Queue one message to a customer; whether it may leave is decided when it is sent.

    Raises:
        CustomerUnknown: not a customer of this provider.
        ChannelUnsupported: anything but e-mail.
        KeyReused: the key belongs to another message.
    """
    if channel != Channel.EMAIL:
        raise domain.ChannelUnsupported(f"{channel} messages are not sent from here.")
    Relationship.of(provider_id=provider_id, account_id=account_id, lock=True)
    wanted = {
        "profile_id": account_id,
        "author_id": author_id,
        "channel": channel,
        "purpose": purpose,
        "subject": domain.one_line(subject, domain.SUBJECT_LENGTH),
        "body": body,
    }
    now = timezone.now()
    message, created = Message.objects.get_or_create(
        provider_id=provider_id, key=key, defaults={**wanted, "queued_at": now, "due_at": now}
    )
    if created:
        transaction.on_commit(partial(tasks.dispatch, message_ids=[message.id]), robust=True)
    else:
        _found_again(message, wanted)
    return message


def _record(
    provider_id: UUID, account_id: UUID, choice: Choice, *, source: str, recorded_by: UUID | None
) -> Consent:
    entry = Consent.objects.create(
        provider_id=provider_id,
        profile_id=account_id,
        source=source,
        recorded_by=recorded_by,
        recorded_at=timezone.now(),
        **vars(choice),
    )
    word = "agreed to" if choice.granted else "declined"
    Interaction.ours(
        row=entry,
        kind=Kind.PREFERENCE_CHANGED,
        direction=Direction.INBOUND,
        summary=f"Traveller {word} {choice.purpose} messages by {choice.channel} ({source}).",
        actor_id=recorded_by,
    )
    return entry


def _found_again(row: Repeatable, wanted: dict[str, object]) -> None:
    if any(getattr(row, name) != value for name, value in wanted.items()):
        raise domain.KeyReused("The key was used before, for something else.")
    row.was_there = True

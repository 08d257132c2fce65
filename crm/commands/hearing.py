"""What events told CRM, gathered in memory and written together: some statements a batch, not some an event.

What is written are merges that do not depend on order (the earliest instant and the latest status
win), so gathering changes how often is written and not what.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from crm import tasks
from crm.models import Interaction, Message, Profile, Provider, Trip, TripShare, merging
from eventbus.pipeline import pipelined


class Heard:
    """Rows that hold nothing but what was heard, until they are merged into those of the database."""

    def __init__(self) -> None:
        self._profiles: dict[UUID, Profile] = {}
        self._providers: dict[UUID, Provider] = {}
        self._trips: dict[UUID, Trip] = {}
        self._shares: dict[tuple[UUID, UUID], TripShare] = {}
        self._asked: set[UUID] = set()
        self._entries: list[Interaction] = []
        self._forgotten: set[UUID] = set()
        self._messages: list[Message] = []

    def profile(self, account_id: UUID, *, at: datetime) -> Profile:
        """Return what is heard of a traveller, first seen at the earliest of these instants."""
        if account_id not in self._profiles:
            self._profiles[account_id] = Profile(account_id=account_id, first_seen_at=at)
        profile = self._profiles[account_id]
        profile.first_seen_at = min(profile.first_seen_at, at)
        return profile

    def provider(self, provider_id: UUID) -> Provider:
        """Return what is heard of a provider."""
        if provider_id not in self._providers:
            self._providers[provider_id] = Provider(provider_id=provider_id)
        return self._providers[provider_id]

    def trip(self, reservation_id: UUID) -> Trip:
        """Return what is heard of a trip."""
        if reservation_id not in self._trips:
            self._trips[reservation_id] = Trip(reservation_id=reservation_id)
        return self._trips[reservation_id]

    def trip_of(self, account_id: UUID, reservation_id: UUID, *, at: datetime) -> Trip:
        """Return what is heard of a trip and whose it is, who was first seen at the earliest instant."""
        trip = self.trip(reservation_id)
        trip.profile_id = self.profile(account_id, at=at).account_id
        return trip

    def share(self, trip: Trip, provider_id: UUID) -> TripShare:
        """Return what is heard of a provider's part of a trip: from now on it has been asked."""
        self.provider(provider_id)
        self._asked.add(trip.pk)
        place = trip.pk, provider_id
        if place not in self._shares:
            self._shares[place] = TripShare(trip_id=trip.pk, provider_id=provider_id)
        return self._shares[place]

    def tell(self, entry: Interaction) -> None:
        """Add an entry to a provider's timeline."""
        self.provider(entry.provider_id)
        self._entries.append(entry)

    def queue(self, message: Message) -> None:
        """Queue a message; the same one again adds none."""
        self._messages.append(message)

    def forget(self, account_id: UUID) -> None:
        """Overwrite the words of notes and messages about a traveller."""
        self._forgotten.add(account_id)

    def write(self) -> None:
        """Merge everything into the database; part of the caller's transaction."""
        with pipelined():
            merging.merge_providers(self._providers.values())
            merging.merge_profiles(self._profiles.values())
            merging.merge_trips(self._trips.values())
            merging.merge_shares(self._shares.values())
            merging.add_entries(self._entries)
            merging.figure_anew([trip for trip in self._trips.values() if self._counts(trip)])
            merging.add_messages(self._messages)
            merging.forget_words(self._forgotten)
        if self._messages:
            ids = [message.id for message in self._messages]
            transaction.on_commit(partial(tasks.dispatch, message_ids=ids), robust=True)

    def _counts(self, trip: Trip) -> bool:
        """Tell whether figures may differ: a traveller, a status or a provider was heard of."""
        return trip.profile_id is not None or trip.pk in self._asked


_gathered: Final[ContextVar[Heard | None]] = ContextVar("crm_heard", default=None)


@contextmanager
def unit_of_work() -> Iterator[Heard]:
    """Lend what is being gathered; the outermost block writes it at its end, in one transaction."""
    outer = _gathered.get()
    if outer is not None:
        yield outer
        return
    heard = Heard()
    token = _gathered.set(heard)
    try:
        with transaction.atomic(savepoint=False):
            yield heard
            heard.write()
    finally:
        _gathered.reset(token)

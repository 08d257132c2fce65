"""Writing what was heard: one statement a table for a whole batch, each with the rule by which rows are merged.

The rules are commutative and repeatable (`crm.domain` has the same one for a trip's status), so it does
not matter how events are gathered. Rows travel as one JSON text; PostgreSQL makes them rows again.
SQL and not the ORM, which took most of the time in which an event is applied (docs/performance.md).
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import msgspec
from django.db import connection, models

from crm import domain
from crm.models.owned import Message
from crm.models.projections import Profile, Provider, Trip, TripShare
from crm.models.timeline import Interaction

# Who was erased stays so, whatever is heard before or after.
PROFILES: Final = """
    INSERT INTO crm_profile AS known (account_id, email, full_name, locale, first_seen_at, erased_at)
    SELECT account_id, email, full_name, locale, first_seen_at, erased_at
    FROM json_populate_recordset(NULL::crm_profile, %s)
    ON CONFLICT (account_id) DO UPDATE SET
        (email, full_name, locale) = (SELECT email, full_name, locale FROM (VALUES
            (known.erased_at IS NOT NULL OR EXCLUDED.erased_at IS NOT NULL, '', '', ''),
            (EXCLUDED.email <> '', EXCLUDED.email, EXCLUDED.full_name, EXCLUDED.locale),
            (true, known.email, known.full_name, known.locale))
            AS heard (applies, email, full_name, locale) WHERE applies LIMIT 1),
        first_seen_at = LEAST(known.first_seen_at, EXCLUDED.first_seen_at),
        erased_at = LEAST(known.erased_at, EXCLUDED.erased_at)
    WHERE EXCLUDED.email <> '' OR EXCLUDED.erased_at IS NOT NULL
        OR EXCLUDED.first_seen_at < known.first_seen_at
"""
PROVIDERS: Final = """
    INSERT INTO crm_provider (provider_id, slug, name, kind)
    SELECT provider_id, slug, name, kind FROM json_populate_recordset(NULL::crm_provider, %s)
    ON CONFLICT (provider_id) DO UPDATE
        SET slug = EXCLUDED.slug, name = EXCLUDED.name, kind = EXCLUDED.kind
"""
# Not the same with DO UPDATE ... WHERE, which would lock the row against every new row that refers to it.
PLACEHOLDERS: Final = """
    INSERT INTO crm_provider (provider_id, name, kind)
    SELECT provider_id, name, kind FROM json_populate_recordset(NULL::crm_provider, %s)
    ON CONFLICT (provider_id) DO NOTHING
"""
# The later status wins, and of one instant the one that comes later in the list.
TRIPS: Final = """
    WITH merged AS (
        INSERT INTO crm_trip AS known (reservation_id, account_id, status, status_at, captured_at)
        SELECT reservation_id, account_id, status, status_at, captured_at
        FROM json_populate_recordset(NULL::crm_trip, %s)
        ON CONFLICT (reservation_id) DO UPDATE SET
            account_id = COALESCE(known.account_id, EXCLUDED.account_id),
            (status, status_at) = (
                SELECT status, status_at
                FROM (VALUES (known.status, known.status_at), (EXCLUDED.status, EXCLUDED.status_at))
                    AS heard (status, status_at)
                ORDER BY status_at DESC NULLS LAST, array_position(%s::text[], status) DESC LIMIT 1),
            captured_at = LEAST(known.captured_at, EXCLUDED.captured_at)
        WHERE EXCLUDED.status_at IS NOT NULL OR EXCLUDED.captured_at IS NOT NULL
            OR EXCLUDED.account_id IS NOT NULL AND known.account_id IS NULL
        RETURNING reservation_id, account_id)
    UPDATE crm_interaction AS entry SET account_id = merged.account_id FROM merged
    WHERE entry.reservation_id = merged.reservation_id
        AND entry.account_id IS NULL AND merged.account_id IS NOT NULL
"""
SHARES: Final = """
    INSERT INTO crm_tripshare (trip_id, provider_id, amount, currency, confirmed_at)
    SELECT trip_id, provider_id, amount, currency, confirmed_at
    FROM json_populate_recordset(NULL::crm_tripshare, %s)
    ON CONFLICT (trip_id, provider_id) DO UPDATE SET amount = EXCLUDED.amount,
        currency = EXCLUDED.currency, confirmed_at = EXCLUDED.confirmed_at
    WHERE EXCLUDED.amount IS NOT NULL
"""
ENTRIES: Final = """
    INSERT INTO crm_interaction (id, provider_id, account_id, reservation_id, kind, direction,
        summary, occurred_at, position, source_event_id)
    SELECT id, provider_id, (SELECT trip.account_id FROM crm_trip AS trip
            WHERE trip.reservation_id = entry.reservation_id), reservation_id, kind, direction,
        summary, occurred_at, position, source_event_id
    FROM json_populate_recordset(NULL::crm_interaction, %s) AS entry
    ON CONFLICT DO NOTHING
"""
# Step by step from trip to traveller to trips: left to itself, the planner fixes its plan while the tables are
# young, and goes through all trips of a provider for each event until it happens to plan anew.
FIGURES: Final = """
    INSERT INTO crm_relationship AS known (provider_id, account_id, first_booking_at, last_booking_at,
        confirmed_trips, cancelled_trips, failed_trips)
    SELECT provider_id, account_id, counted.*
    FROM (SELECT DISTINCT asked.provider_id, heard.account_id
        FROM unnest(%s::uuid[]) AS told (id)
            CROSS JOIN LATERAL (SELECT * FROM crm_trip WHERE reservation_id = told.id OFFSET 0) AS heard
            CROSS JOIN LATERAL (SELECT * FROM crm_tripshare WHERE trip_id = told.id OFFSET 0) AS asked
        WHERE heard.account_id IS NOT NULL) AS relationship
    CROSS JOIN LATERAL (
        SELECT min(share.confirmed_at), max(share.confirmed_at),
            count(*) FILTER (WHERE trip.status = 'confirmed'),
            count(*) FILTER (WHERE trip.status = 'cancelled'),
            count(*) FILTER (WHERE trip.status = 'failed')
        FROM crm_trip AS trip
            CROSS JOIN LATERAL (SELECT * FROM crm_tripshare WHERE trip_id = trip.reservation_id OFFSET 0) AS share
        WHERE trip.account_id = relationship.account_id
            AND share.provider_id = relationship.provider_id) AS counted
    ON CONFLICT (provider_id, account_id) DO UPDATE SET
        first_booking_at = EXCLUDED.first_booking_at, last_booking_at = EXCLUDED.last_booking_at,
        confirmed_trips = EXCLUDED.confirmed_trips, cancelled_trips = EXCLUDED.cancelled_trips,
        failed_trips = EXCLUDED.failed_trips
"""
MESSAGES: Final = """
    INSERT INTO crm_message SELECT * FROM json_populate_recordset(NULL::crm_message, %s)
    ON CONFLICT DO NOTHING
"""
FORGOTTEN: Final = (
    "UPDATE crm_note SET text = 'erased' WHERE account_id = ANY(%s) AND text <> 'erased'",
    """
    UPDATE crm_message SET subject = 'erased', body = 'erased'
    WHERE account_id = ANY(%s) AND body <> 'erased'
    """,
)
RANKED: Final = sorted(domain.STATUS_RANK, key=domain.STATUS_RANK.__getitem__)


def merge_profiles(heard: Collection[Profile]) -> None:
    """Take over who somebody is, unless it is a placeholder, the earlier instants, and an erasure."""
    _write(PROFILES, heard)


def merge_providers(heard: Collection[Provider]) -> None:
    """Take over who somebody is, unless it is a placeholder."""
    _write(PLACEHOLDERS, [provider for provider in heard if provider.slug is None])
    _write(PROVIDERS, [provider for provider in heard if provider.slug is not None])


def merge_trips(heard: Collection[Trip]) -> None:
    """Take over the traveller if there was none, also in the timeline, the later status, the earlier capture."""
    _write(TRIPS, heard, RANKED)


def merge_shares(heard: Collection[TripShare]) -> None:
    """Make a row for whoever was asked; a price wins over none and over an earlier one."""
    _write(SHARES, heard)


def add_entries(heard: Collection[Interaction]) -> None:
    """Add what is new to the timelines, with the traveller of its trip if that is known."""
    _write(ENTRIES, heard)


def add_messages(queued: Collection[Message]) -> None:
    """Add what is new to the queue."""
    _write(MESSAGES, queued)


def figure_anew(trips: Collection[Trip]) -> None:
    """Count again, from all trips of their travellers, for every provider with a share in one of these."""
    if trips:
        with connection.cursor() as cursor:
            cursor.execute(FIGURES, [[trip.pk for trip in trips]])


def forget_words(account_ids: Collection[UUID]) -> None:
    """Overwrite the words of notes and messages about these travellers."""
    if account_ids:
        with connection.cursor() as cursor:
            for statement in FORGOTTEN:
                cursor.execute(statement, [list(account_ids)])


def _write(statement: str, heard: Collection[models.Model], *parameters: list[str]) -> None:
    if heard:
        rows = [
            {field.column: getattr(row, field.attname) for field in row._meta.concrete_fields}
            for row in heard
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement, [msgspec.json.encode(rows).decode(), *parameters])

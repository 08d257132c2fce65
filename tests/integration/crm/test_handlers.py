"""What CRM makes of events: once, in any order, and the same again after a rebuild."""

import random
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from booking import events as published
from crm import handlers, selectors
from crm.commands import customers, hearing, projections
from crm.domain import Choice, Money
from crm.models import Interaction, Message, Note, Profile, Provider, Relationship, TripShare
from eventbus import testing
from eventbus.publish import publish
from tests.integration.crm import story
from tests.integration.crm.desk import staff_of
from tests.integration.crm.story import ACCOUNT, AIRLINE, HOTEL, RESERVATION, Story, tell, tell_all

pytestmark = pytest.mark.django_db

EVERYTHING = Story().every_event().events


@pytest.fixture
def trip():
    """A confirmed trip of one traveller with two providers."""
    tell_all(Story().whole_trip().events)


def kinds(provider_id):
    rows = selectors.timeline(provider_id=provider_id, account_id=ACCOUNT)
    return [row.kind for row in reversed(rows)]


@pytest.mark.parametrize(
    "number", range(len(EVERYTHING)), ids=[t.event.wire_name for t in EVERYTHING]
)
def test_every_handler_run_twice_past_the_inbox_changes_nothing(number):
    tell_all(EVERYTHING[: number + 1])
    before = story.projected(), story.owned()

    tell(EVERYTHING[number])

    assert (story.projected(), story.owned()) == before


def test_every_handler_is_told_something_by_these_stories():
    told = {type(t.event) for t in EVERYTHING}

    assert told == {handler.event_type for handler in handlers.crm.handlers}


@pytest.mark.parametrize("seed", range(12))
def test_events_in_any_order_and_doubled_make_the_same_rows(seed):
    expected = told_and_forgotten()
    shuffled = EVERYTHING + EVERYTHING
    random.Random(seed).shuffle(shuffled)

    tell_all(shuffled)

    assert story.projected() == expected


@pytest.mark.parametrize("seed", range(12))
def test_batches_of_any_size_make_the_rows_of_events_told_one_by_one(seed):
    expected, dice = told_and_forgotten(), random.Random(seed)
    shuffled = EVERYTHING + EVERYTHING
    dice.shuffle(shuffled)

    while shuffled:
        with hearing.unit_of_work():
            tell_all([shuffled.pop() for _ in range(min(len(shuffled), dice.randint(1, 12)))])

    assert story.projected() == expected
    assert Message.objects.count() == 2


def told_and_forgotten():
    """Return the rows that the events make, told one by one; then delete everything."""
    tell_all(EVERYTHING)
    expected = story.projected()
    Interaction.objects.all().delete()
    for model in (Message, Relationship, TripShare, *story.PROJECTIONS[2:3], Profile, Provider):
        model.objects.all().delete()
    return expected


def test_a_confirmed_trip_shows_in_profile_relationship_and_timeline(trip):
    customer = selectors.relationship(provider_id=HOTEL, account_id=ACCOUNT)
    values = selectors.lifetime_values(provider_id=HOTEL, account_ids=[ACCOUNT])

    assert customer.profile.email == "ada@example.com"
    assert (customer.confirmed_trips, customer.failed_trips) == (1, 0)
    assert customer.first_booking_at == customer.last_booking_at
    assert values == {ACCOUNT: [Money(amount=Decimal("200.0000"), currency="EUR")]}
    assert kinds(HOTEL) == ["leg_booked", "trip_confirmed"]


def test_a_trip_counts_as_value_only_while_it_is_paid_and_not_cancelled():
    trip = Story().providers().account().composed().booked(HOTEL).confirmed()
    tell_all(trip.events)
    unpaid = selectors.lifetime_values(provider_id=HOTEL, account_ids=[ACCOUNT])
    tell_all(trip.captured().events)
    paid = selectors.lifetime_values(provider_id=HOTEL, account_ids=[ACCOUNT])

    tell_all(trip.cancelled().events)

    cancelled = selectors.lifetime_values(provider_id=HOTEL, account_ids=[ACCOUNT])
    assert (unpaid, cancelled) == ({}, {})
    assert paid[ACCOUNT][0].amount == Decimal("200")


def test_a_failed_trip_is_told_only_to_providers_that_were_asked():
    tell_all(Story().providers().account().composed().refused(HOTEL).failed().events)

    assert kinds(HOTEL) == ["leg_refused", "trip_failed"]
    assert list(selectors.customers_of(provider_id=AIRLINE)) == []


def test_a_later_failure_elsewhere_stays_hidden_from_a_provider_that_knows_the_traveller(trip):
    elsewhere = uuid.UUID(int=999)
    tell_all(
        Story()
        .composed(reservation_id=elsewhere)
        .refused(HOTEL, elsewhere)
        .failed(elsewhere)
        .events
    )

    assert kinds(AIRLINE) == ["leg_booked", "trip_confirmed"]
    assert selectors.relationship(provider_id=AIRLINE, account_id=ACCOUNT).failed_trips == 0
    assert selectors.relationship(provider_id=HOTEL, account_id=ACCOUNT).failed_trips == 1


def test_a_draft_makes_nobody_a_customer():
    tell_all(Story().providers().account().composed().cancelled().events)

    assert not Relationship.objects.exists()


def test_a_leg_heard_before_its_trip_is_attributed_when_the_trip_is_heard():
    tell_all(Story().booked(HOTEL).events)
    unattributed = Interaction.objects.get().profile_id

    tell_all(Story().composed().events)

    assert unattributed is None
    assert kinds(HOTEL) == ["leg_booked"]
    assert selectors.relationship(provider_id=HOTEL, account_id=ACCOUNT).confirmed_trips == 0


def test_a_provider_may_be_registered_after_its_first_trip():
    tell_all(Story().confirmed().events)
    nameless = Provider.objects.get(pk=HOTEL).slug

    tell_all(Story().providers().events)

    assert nameless is None
    assert Provider.objects.get(pk=HOTEL).slug == "restwell"


def test_each_provider_thanks_once_and_a_replay_never(trip):
    first = set(Message.objects.values_list("provider_id", flat=True))
    Message.objects.all().delete()

    tell_all(Story().whole_trip().events, replay=True)

    assert first == {AIRLINE, HOTEL}
    assert not Message.objects.exists()


def test_a_late_joiner_does_not_write_about_trips_of_last_year():
    tell_all(Story(began_at=timezone.now() - timedelta(days=300)).whole_trip().events)

    assert Relationship.objects.count() == 2
    assert not Message.objects.exists()


def test_a_rebuild_makes_the_same_rows_and_leaves_what_crm_owns():
    tell_all(EVERYTHING)
    agent = staff_of(HOTEL)
    customers.add_note(
        provider_id=HOTEL, account_id=ACCOUNT, author_id=agent.pk, text="Late arrival."
    )
    choice = Choice(channel="email", purpose="marketing", granted=True)
    customers.record_preferences(
        provider_id=HOTEL, account_id=ACCOUNT, choices=[choice], source="staff"
    )
    before, ours = story.projected(), story.owned()

    projections.forget_projections()
    forgotten = Relationship.objects.count()
    tell_all(EVERYTHING, replay=True)

    assert forgotten == 0
    assert story.projected() == before
    assert story.owned() == ours
    assert kinds(HOTEL)[-2:] == ["note_added", "preference_changed"]


def test_events_published_on_the_bus_arrive_once_however_often_they_are_delivered():
    with transaction.atomic():
        for told in Story().whole_trip().events:
            publish(told.event)

    testing.deliver(times=3)

    assert kinds(AIRLINE) == ["leg_booked", "trip_confirmed"]
    assert Message.objects.count() == 2
    assert Interaction.objects.filter(reservation_id=RESERVATION).count() == 4


def test_the_rebuild_command_makes_the_same_rows_from_the_log_and_sends_nothing(capsys):
    with transaction.atomic():
        for told in EVERYTHING:
            publish(told.event)
    testing.deliver()
    before, ours = story.projected(), story.owned()
    Relationship.objects.update(failed_trips=77)

    call_command("crm_rebuild")

    assert story.projected() == before
    assert story.owned() == ours
    assert f"{len(EVERYTHING)} events" in capsys.readouterr().out


def test_a_poisoned_event_stops_the_rebuild_and_changes_nothing(monkeypatch):
    with transaction.atomic():
        for told in EVERYTHING:
            publish(told.event)
    testing.deliver()
    before = story.projected()
    monkeypatch.setattr(projections, "confirm_trip", lambda **_: 1 / 0)

    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("crm_rebuild")

    assert story.projected() == before


def test_a_handler_is_one_line_and_says_what_it_does():
    for handler in handlers.crm.handlers:
        assert handler.description
        assert handler.event_type.__name__ in published.__all__


def test_who_was_erased_is_forgotten_and_not_learnt_again(trip):
    agent = staff_of(HOTEL)
    customers.add_note(provider_id=HOTEL, account_id=ACCOUNT, author_id=agent.pk, text="Is deaf.")
    story_of_the_end = Story().account().erased(ACCOUNT)

    tell_all(story_of_the_end.events)
    tell_all(story_of_the_end.events[:1])

    profile = Profile.objects.get(pk=ACCOUNT)
    assert (profile.email, profile.full_name, profile.locale) == ("", "", "")
    assert Note.objects.get().text == "erased"
    assert set(Message.objects.values_list("subject", "body")) == {("erased", "erased")}
    assert kinds(HOTEL)[:2] == ["leg_booked", "trip_confirmed"]

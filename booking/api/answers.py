"""What Booking answers. Money is a decimal string and an ISO 4217 code; instants are UTC."""

from typing import Any

from rest_framework import serializers


class Amount(serializers.DecimalField):
    """An amount in major units, as exact text: never rounded, never a float."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **options)


class NewAccount(serializers.Serializer[Any]):
    """A traveller who just signed up, and a first token, shown this once."""

    account_id = serializers.UUIDField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class Account(serializers.Serializer[Any]):
    """The traveller who asks."""

    account_id = serializers.UUIDField()
    email = serializers.EmailField()
    email_verified_at = serializers.DateTimeField(allow_null=True)
    full_name = serializers.CharField()
    locale = serializers.CharField()
    created_at = serializers.DateTimeField()


class PolicyWindow(serializers.Serializer[Any]):
    """Cancelled before this instant, so many percent come back; after the last window nothing."""

    before = serializers.DateTimeField()
    refund_percent = serializers.IntegerField()


class Trip(serializers.Serializer[Any]):
    """What an offer and a booked item have in common."""

    kind = serializers.CharField(help_text="flight, stay or car")
    title = serializers.CharField()
    amount = Amount()
    currency = serializers.CharField()
    expires_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    starts_at_local = serializers.CharField(help_text="Wall time, to be read with `starts_zone`.")
    starts_zone = serializers.CharField()
    ends_at = serializers.DateTimeField()
    ends_at_local = serializers.CharField(help_text="Wall time, to be read with `ends_zone`.")
    ends_zone = serializers.CharField()
    details = serializers.DictField(help_text="Depends on `kind`: route, property, vehicle.")
    cancellation_policy = PolicyWindow(many=True)


class Offer(Trip):
    """Something that can be booked at this price until `expires_at`."""

    offer_id = serializers.CharField()
    provider_id = serializers.UUIDField()
    provider_name = serializers.CharField()
    product = serializers.CharField()


class Offers(serializers.Serializer[Any]):
    """What was found; a partner that did not answer in time is named."""

    offers = Offer(many=True)
    unavailable_partners = serializers.ListField(child=serializers.CharField())


class Links(serializers.Serializer[Any]):
    """Where to go from here."""

    self = serializers.CharField()
    timeline = serializers.CharField()
    events = serializers.CharField(help_text="The same as it happens, as server-sent events.")
    travellers = serializers.CharField()
    payment = serializers.CharField()
    confirm = serializers.CharField()
    cancel = serializers.CharField()


class Provider(serializers.Serializer[Any]):
    """Who provides an item."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class Order(serializers.Serializer[Any]):
    """What the provider calls the booking of an item."""

    status = serializers.CharField(help_text="booked or cancelled")
    confirmation_code = serializers.CharField()
    partner_reference = serializers.CharField()


class Item(Trip):
    """One flight, stay or car of a reservation."""

    id = serializers.UUIDField()
    offer_id = serializers.CharField()
    provider = Provider()
    order = Order(allow_null=True)


class Traveller(serializers.Serializer[Any]):
    """Who travels."""

    given_name = serializers.CharField()
    family_name = serializers.CharField()
    born_on = serializers.DateField(allow_null=True)
    kind = serializers.CharField()


class Payment(serializers.Serializer[Any]):
    """The money: what was reserved on the card, taken, given back."""

    status = serializers.CharField()
    amount = Amount()
    currency = serializers.CharField()
    authorised_amount = Amount()
    captured_amount = Amount()
    refunded_amount = Amount()
    method_brand = serializers.CharField()
    method_last4 = serializers.CharField()
    decline_reason = serializers.CharField()
    action = serializers.DictField(allow_null=True, help_text="What the customer must do, if so.")


class ItemRefund(serializers.Serializer[Any]):
    """What comes back of one item's price."""

    id = serializers.UUIDField()
    refund_amount = Amount()


class Cancellation(serializers.Serializer[Any]):
    """What comes back when a confirmed trip is cancelled, by the policies stored at booking."""

    refund_amount = Amount()
    currency = serializers.CharField()
    quoted_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was fixed, by asking to cancel; null: as of now."
    )
    items = ItemRefund(many=True)


class CallProgress(serializers.Serializer[Any]):
    """Where one call of the flow stands; `code` is its line in the flow's table."""

    step = serializers.CharField()
    item = serializers.CharField()
    direction = serializers.CharField()
    state = serializers.CharField()
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    code = serializers.CharField()


class Progress(serializers.Serializer[Any]):
    """Where the newest flow of a reservation stands."""

    saga_id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    compensation = serializers.CharField(
        help_text="How far it is taken back: empty (nothing had to be), compensating, compensated, "
        "compensation_incomplete (a person must see to the rest), or loss_accepted (we bear the rest)."
    )
    due_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    needs_a_person = serializers.BooleanField()
    action = serializers.DictField(allow_null=True, help_text="What the customer must do, if so.")
    calls = CallProgress(many=True)


class Exposure(serializers.Serializer[Any]):
    """One call of a parked flow that may have to be paid for, or given back."""

    step = serializers.CharField()
    item = serializers.CharField()
    amount = Amount()
    currency = serializers.CharField()


class ParkedSaga(serializers.Serializer[Any]):
    """A flow that waits for a person."""

    saga_id = serializers.UUIDField()
    reservation_id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    attention_reason = serializers.CharField()
    exposure = Exposure(many=True)


class ParkedSagas(serializers.Serializer[Any]):
    """Flows that wait for a person, the oldest first."""

    sagas = ParkedSaga(many=True)


class ReservationSummary(serializers.Serializer[Any]):
    """A reservation in a list."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    amount = Amount()
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(
        help_text="When the reservation itself last changed; its flow may have gone on since."
    )
    confirmed_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(help_text="Why it failed or was cancelled: a stable code.")
    links = Links()


class BookedTrip(ReservationSummary):
    """A reservation with its items, travellers and money."""

    expires_at = serializers.DateTimeField(help_text="When the first of its offers expires.")
    items = Item(many=True)
    travellers = Traveller(many=True)
    payment = Payment(allow_null=True)


class Export(serializers.Serializer[Any]):
    """All that Booking keeps about a traveller."""

    account = Account()
    reservations = BookedTrip(many=True)


class Reservation(BookedTrip):
    """Everything about one reservation."""

    cancellation = Cancellation(allow_null=True)
    progress = Progress(allow_null=True)


class ReservationList(serializers.Serializer[Any]):
    """One page of one's reservations, newest first."""

    reservations = ReservationSummary(many=True)
    next = serializers.URLField(allow_null=True)


class Accepted(serializers.Serializer[Any]):
    """The request was accepted and is being worked on; look at `links.self`."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    links = Links()


class TimelineEntry(serializers.Serializer[Any]):
    """One thing that happened, in words."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    link = serializers.CharField()
    step = serializers.CharField()
    item = serializers.CharField()
    direction = serializers.CharField()
    attempt = serializers.IntegerField()
    text = serializers.CharField()
    code = serializers.CharField(help_text="The line of the flow's table, `booking/sagas.py:14`.")


class Timeline(serializers.Serializer[Any]):
    """Everything that happened, oldest first."""

    timeline = TimelineEntry(many=True)


class StreamedEvent(serializers.Serializer[Any]):
    """One event of a stream: `progress` with its number and an entry of the timeline, then `over`."""

    id = serializers.CharField(required=False)
    event = serializers.ChoiceField(("progress", "over"))
    data = serializers.CharField(  # type: ignore[assignment]
        help_text="JSON: a `TimelineEntry`, or an empty object."
    )

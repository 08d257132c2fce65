"""What travels over HTTP about customers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm import models
from identity.api import fields


class Desk(serializers.Serializer[Any]):
    """A provider for which the login works."""

    provider_id = serializers.UUIDField()
    slug = serializers.CharField(source="provider.slug", allow_null=True)
    name = serializers.CharField(source="provider.name")
    kind = serializers.CharField(source="provider.kind")
    role = serializers.ChoiceField(models.Role.choices)


class Desks(serializers.Serializer[Any]):
    """Every provider for which the login works."""

    providers = Desk(many=True)


class Value(serializers.Serializer[Any]):
    """An amount of money in major units of an ISO 4217 currency."""

    amount = serializers.DecimalField(max_digits=16, decimal_places=4, normalize_output=False)
    currency = serializers.CharField()


class Customer(serializers.Serializer[Any]):
    """One traveller as one provider knows them; counts are of trips by their present state."""

    account_id = serializers.UUIDField(source="profile.account_id")
    email = serializers.CharField(source="profile.email")
    full_name = serializers.CharField(source="profile.full_name")
    locale = serializers.CharField(source="profile.locale")
    first_seen_at = serializers.DateTimeField(source="profile.first_seen_at")
    first_booking_at = serializers.DateTimeField(allow_null=True)
    last_booking_at = serializers.DateTimeField(allow_null=True)
    confirmed_trips = serializers.IntegerField()
    cancelled_trips = serializers.IntegerField()
    failed_trips = serializers.IntegerField()
    lifetime_value = serializers.SerializerMethodField()

    @extend_schema_field(Value(many=True))
    def get_lifetime_value(self, row: models.Relationship) -> list[dict[str, Any]]:
        """Return what paid and not cancelled trips brought, per currency."""
        money = self.context["values"].get(row.profile_id, [])
        return [dict(entry) for entry in Value(money, many=True).data]


class Interaction(serializers.Serializer[Any]):
    """One entry of the timeline."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(models.Kind.choices)
    direction = serializers.ChoiceField(models.Direction.choices)
    summary = serializers.CharField()
    reservation_id = serializers.UUIDField(allow_null=True)
    occurred_at = serializers.DateTimeField()


class Preference(serializers.Serializer[Any]):
    """What the traveller wants to receive, over which channel."""

    channel = serializers.ChoiceField(models.Channel.choices)
    purpose = serializers.ChoiceField(models.Purpose.choices)
    granted = fields.Flag()
    basis = fields.Text(max_length=50, default="consent")
    evidence = fields.Text(max_length=500, default="", allow_blank=True)
    via = serializers.CharField(source="source", read_only=True)
    recorded_at = serializers.DateTimeField(read_only=True)


class Preferences(serializers.Serializer[Any]):
    """The latest word for each channel and purpose."""

    preferences = Preference(many=True)

    def validate_preferences(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse two words about the same thing; thereby the list is short, too."""
        about = [(row["channel"], row["purpose"]) for row in rows]
        if len(set(about)) != len(about):
            raise serializers.ValidationError("A channel and purpose may be named once.")
        return rows


class Note(serializers.Serializer[Any]):
    """What an agent wants to remember."""

    id = serializers.UUIDField(read_only=True)
    text = fields.Text(max_length=4000)
    author_id = serializers.UUIDField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class Message(serializers.Serializer[Any]):
    """A message to a customer, and how far it has got."""

    id = serializers.UUIDField(read_only=True)
    channel = serializers.ChoiceField(models.Channel.choices, default=models.Channel.EMAIL.value)
    purpose = serializers.ChoiceField(models.Purpose.choices)
    subject = fields.Text(max_length=200)
    body = fields.Text(max_length=20_000)
    status = serializers.ChoiceField(models.MessageStatus.choices, read_only=True)
    reason = serializers.CharField(read_only=True)
    queued_at = serializers.DateTimeField(read_only=True)
    sent_at = serializers.DateTimeField(read_only=True, allow_null=True)


class _Page(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class CustomerPage(_Page):
    """Customers, latest booking first."""

    results = Customer(many=True)


class InteractionPage(_Page):
    """Entries of a timeline, newest first."""

    results = Interaction(many=True)


class NotePage(_Page):
    """Notes, newest first."""

    results = Note(many=True)


class MessagePage(_Page):
    """Messages, newest first."""

    results = Message(many=True)

"""What clients send to Booking."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from identity.api import fields

MOST_OFFERS = 10
MOST_TRAVELLERS = 9
KINDS = ("flight", "stay", "car")


class SignUp(serializers.Serializer[Any]):
    """A traveller who signs up."""

    email = fields.Email(max_length=254)
    password = fields.Text(max_length=1024, trim_whitespace=False)
    full_name = fields.Text(max_length=200)
    locale = fields.Pattern(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,
        default="en",
        help_text="BCP 47, such as `en-GB`.",
    )


class Password(serializers.Serializer[Any]):
    """The password of the login, once more: a token alone may have been stolen."""

    password = fields.Text(max_length=1024, trim_whitespace=False)


class Place(fields.Pattern):
    """An IATA code of an airport or a city."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z]{3}$", min_length=3, max_length=3, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the code in capitals."""
        return super().to_internal_value(data).upper()


class OfferSearch(serializers.Serializer[Any]):
    """What a traveller looks for; which parameters are required depends on `kind`."""

    kind = serializers.ChoiceField(KINDS)
    date = serializers.DateField(help_text="The local date of departure, arrival or pick-up.")
    origin = Place(required=False, help_text="flight: IATA code, such as `LHR`.")
    destination = Place(required=False, help_text="flight: IATA code, such as `JFK`.")
    place = Place(required=False, help_text="stay, car: IATA code of an airport or city.")
    nights = fields.Count(required=False, min_value=1, max_value=30, help_text="stay")
    days = fields.Count(required=False, min_value=1, max_value=60, help_text="car")

    _REQUIRED = {
        "flight": {"origin", "destination"},
        "stay": {"place", "nights"},
        "car": {"place", "days"},
    }

    def validate_date(self, value: Any) -> Any:
        """Refuse what is over everywhere on earth."""
        if (timezone.now().date() - value).days > 1:
            raise serializers.ValidationError("The date is in the past.", code="past")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Hold each kind to its own parameters."""
        required = self._REQUIRED[attrs["kind"]]
        given = set(attrs) - {"kind", "date"}
        errors = {
            name: serializers.ErrorDetail(f"Needed to search for a {attrs['kind']}.", "required")
            for name in required - given
        } | {
            name: serializers.ErrorDetail(f"Means nothing for a {attrs['kind']}.", "unexpected")
            for name in given - required
        }
        if errors:
            raise serializers.ValidationError({name: [error] for name, error in errors.items()})
        if attrs.get("origin") and attrs["origin"] == attrs["destination"]:
            raise serializers.ValidationError({"destination": ["Equals the origin."]})
        return attrs


class SelectedOffer(serializers.Serializer[Any]):
    """An offer, and the price that the traveller saw and accepts."""

    offer_id = fields.Pattern(r"^[a-z0-9-]{1,50}:[A-Za-z0-9_.-]{1,140}$", max_length=191)
    amount = fields.Price(help_text="In major units, as the offer says it.")
    currency = fields.Pattern(r"^[A-Z]{3}$", min_length=3, max_length=3)


class NewTraveller(serializers.Serializer[Any]):
    """Who travels."""

    given_name = fields.Text(max_length=100)
    family_name = fields.Text(max_length=100)
    born_on = serializers.DateField(required=False, allow_null=True)
    kind = serializers.ChoiceField(("adult", "child", "infant"), default="adult")

    def validate_born_on(self, value: Any) -> Any:
        """Refuse those who are not born yet."""
        if value is not None and value > timezone.now().date():
            raise serializers.ValidationError("The date lies in the future.", code="future")
        return value


def _travellers() -> serializers.ListField:
    return serializers.ListField(
        child=NewTraveller(), allow_empty=False, max_length=MOST_TRAVELLERS
    )


class NewReservation(serializers.Serializer[Any]):
    """Offers and travellers that are to become a trip."""

    offers = serializers.ListField(child=SelectedOffer(), allow_empty=False, max_length=MOST_OFFERS)
    travellers = _travellers()

    def validate_offers(self, offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse the same offer twice."""
        if len({offer["offer_id"] for offer in offers}) < len(offers):
            raise serializers.ValidationError("The same offer is there twice.", code="duplicate")
        return offers


class Travellers(serializers.Serializer[Any]):
    """Who travels, all of them."""

    travellers = _travellers()


class PaymentMethod(serializers.Serializer[Any]):
    """How the trip will be paid: a token of the card processor, never a card number."""

    method = fields.Text(max_length=100, help_text="Such as `pm_card_visa`.")


@extend_schema_field({"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,200}$"})
class Cursor(fields.Text):
    """Where a page begins; whether it is one of ours is seen when it is read."""


class PageRequest(serializers.Serializer[Any]):
    """Which page of a list."""

    cursor = Cursor(required=False, max_length=200, help_text="Taken from `next`.")
    limit = fields.Count(default=50, min_value=1, max_value=200)


class ReservationQuery(PageRequest):
    """Which reservations, and which page of them."""

    updated_since = serializers.DateTimeField(
        required=False,
        help_text="Only those that changed at this instant or later. Take the newest `updated_at` "
        "that you have, less a minute: changes appear in the order in which they are committed.",
    )

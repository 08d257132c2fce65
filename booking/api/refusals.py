"""Which problem a client sees for which refusal of Booking and its services."""

from collections.abc import Mapping
from typing import Any, Final

from booking import commands, idempotency, selectors
from booking.api import answers
from identity import problems
from payments import services as payments
from providers import services as providers
from reservation import services as reservation

_TABLE: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (selectors.NotATraveller, 403, "Only travellers may do this"),
    (selectors.NoPayment, 404, "There is no payment"),
    (commands.AccountBusy, 409, "A trip is being booked or cancelled"),
    (providers.InvalidSearch, 400, "No partner can answer this search"),
    (providers.UnknownPlace, 400, "This place is not known"),
    (providers.OfferNotFound, 404, "There is no such offer"),
    (providers.OfferExpired, 409, "An offer has expired"),
    (providers.SoldOut, 409, "An offer is sold out"),
    (providers.Refused, 409, "The partner refuses"),
    (providers.PartnerUnavailable, 503, "A partner cannot be reached right now"),
    (reservation.ReservationNotFound, 404, "There is no such reservation"),
    (reservation.CompositionRefused, 400, "Offers and travellers make no reservation"),
    (reservation.EmptyReservation, 400, "A reservation needs an offer"),
    (reservation.NoTravellers, 400, "A reservation needs a traveller"),
    (reservation.MixedCurrencies, 400, "All offers must have one currency"),
    (reservation.OfferExpired, 409, "An offer has expired"),
    (reservation.NotConfirmable, 409, "The reservation cannot be confirmed in its present state"),
    (reservation.NotCancellable, 409, "The reservation cannot be cancelled in its present state"),
    (reservation.TravellersClosed, 409, "Travellers cannot be changed any more"),
    (commands.PaymentDetailsMissing, 409, "Payment details are missing"),
    (commands.PaymentDetailsClosed, 409, "Payment details cannot be entered any more"),
    (commands.TooLate, 409, "It is too late to cancel"),
    (payments.PaymentDetailsRefused, 400, "The payment details cannot be used"),
    (payments.CardNumberRefused, 400, "Card numbers are not accepted, only tokens"),
    (payments.PaymentInProgress, 409, "The payment is being used"),
    (payments.PaymentGatewayUnavailable, 503, "The card processor cannot be reached right now"),
    (payments.WebhookForged, 400, "The signature does not fit"),
    (idempotency.KeyReused, 422, "The Idempotency-Key was used with another body"),
    (idempotency.KeyInFlight, 409, "A request with this Idempotency-Key is being worked on"),
)


def register() -> None:
    """Fill the catalogue; called where the URLs are put together."""
    for exception, status, title in _TABLE:
        problems.register(exception, status=status, title=title)
    problems.register(
        commands.PriceChanged, status=409, title="A price has changed", extend=_current_offers
    )


def _current_offers(exc: commands.PriceChanged) -> Mapping[str, Any]:
    return {"offers": answers.Offer(exc.offers, many=True).data}

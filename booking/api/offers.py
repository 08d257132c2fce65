"""Search for offers, and ask for a price again."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api import answers, pages, requests
from booking.api.endpoint import TravellerEndpoint
from booking.api.idempotent import idempotent
from booking.api.schema import IDEMPOTENCY_KEY, OFFER_ID
from identity import rates
from identity.api.schema import answers as described
from providers import services as providers


def current_offer(request: Request, *, offer_id: str) -> Mapping[str, Any]:
    """Ask the partner."""
    return {"offer": providers.quote(offer_id=offer_id)}


class Offers(TravellerEndpoint):
    """What can be booked."""

    rates = {"GET": rates.SEARCH}

    @extend_schema(
        operation_id="offers_search",
        summary="Search for flights, stays or cars",
        tags=["offers"],
        parameters=[requests.OfferSearch],
        responses=described({200: answers.Offers}, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Ask every partner of the kind side by side."""
        query = requests.OfferSearch(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found = providers.search(**query.validated_data)
        return Response(answers.Offers(found).data)


class Quote(TravellerEndpoint):
    """The present price of one offer."""

    rates = {"POST": rates.SEARCH}

    @extend_schema(
        operation_id="offers_quote",
        summary="Ask for an offer's price again",
        tags=["offers"],
        parameters=[OFFER_ID, IDEMPOTENCY_KEY],
        request=None,
        responses=described({200: answers.Offer}, 400, 401, 403, 404, 409, 422, 503),
    )
    @idempotent(before=current_offer)
    def post(self, request: Request, *, offer_id: str, offer: providers.Offer) -> Response:
        """Return the offer as its partner sells it now."""
        return Response(answers.Offer(pages.offer(offer)).data)

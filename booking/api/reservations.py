"""Compose reservations and look at them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from booking import commands, selectors
from booking.api import answers, pages, pagination, requests
from booking.api.endpoint import TravellerEndpoint
from booking.api.idempotent import idempotent
from booking.api.schema import IDEMPOTENCY_KEY
from identity.api.schema import answers as described
from providers import services as providers


def checked_body(request: Request) -> Mapping[str, Any]:
    """Ask the partners whether the prices still hold, before anything is stored."""
    body = requests.NewReservation(data=request.data)
    body.is_valid(raise_exception=True)
    selections = [commands.Selection(**offer) for offer in body.validated_data["offers"]]
    return {
        "offers": commands.check_prices(selections=selections),
        "travellers": body.validated_data["travellers"],
    }


class Reservations(TravellerEndpoint):
    """The reservations of the traveller who asks."""

    @extend_schema(
        operation_id="reservations_compose",
        summary="Compose a reservation",
        tags=["reservations"],
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NewReservation,
        responses=described({201: answers.Reservation}, 400, 401, 403, 404, 409, 422, 503),
    )
    @idempotent(before=checked_body)
    def post(
        self,
        request: Request,
        *,
        offers: list[providers.Offer],
        travellers: list[dict[str, Any]],
    ) -> Response:
        """Store a draft of offers whose price is still what the traveller saw."""
        reservation_id = commands.compose_reservation(
            account_id=self.account_id, offers=offers, travellers=travellers
        )
        return Response(
            page_of(self.account_id, reservation_id),
            status.HTTP_201_CREATED,
            headers={"Location": pages.links_of(reservation_id)["self"]},
        )

    @extend_schema(
        operation_id="reservations_list",
        summary="List one's reservations",
        tags=["reservations"],
        parameters=[requests.ReservationQuery],
        responses=described({200: answers.ReservationList}, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Return a page of reservations, newest first."""
        query = requests.ReservationQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        limit, cursor = query.validated_data["limit"], query.validated_data.get("cursor")
        found = selectors.reservations(
            account_id=self.account_id,
            after=pagination.place_of(cursor) if cursor else None,
            updated_since=query.validated_data.get("updated_since"),
            limit=limit + 1,
        )
        shown = {
            "reservations": [pages.summary(one) for one in found[:limit]],
            "next": pagination.next_url(request, found, limit=limit),
        }
        return Response(answers.ReservationList(shown).data)


class Reservation(TravellerEndpoint):
    """One reservation."""

    @extend_schema(
        operation_id="reservations_read",
        summary="See everything about a reservation",
        tags=["reservations"],
        responses=described({200: answers.Reservation}, 401, 403, 404),
    )
    def get(self, request: Request, *, reservation_id: UUID) -> Response:
        """Return items, orders, travellers, money and progress in one answer."""
        return Response(page_of(self.account_id, reservation_id))


class Travellers(TravellerEndpoint):
    """Who travels."""

    @extend_schema(
        operation_id="reservations_change_travellers",
        summary="Change who travels",
        tags=["reservations"],
        request=requests.Travellers,
        responses=described({200: answers.Reservation}, 400, 401, 403, 404, 409),
    )
    def put(self, request: Request, *, reservation_id: UUID) -> Response:
        """Replace all travellers, while nothing is booked for them."""
        body = requests.Travellers(data=request.data)
        body.is_valid(raise_exception=True)
        commands.change_travellers(
            account_id=self.account_id, reservation_id=reservation_id, **body.validated_data
        )
        return Response(page_of(self.account_id, reservation_id))


class Timeline(TravellerEndpoint):
    """What happened to one reservation."""

    @extend_schema(
        operation_id="reservations_timeline",
        summary="See what happened to a reservation",
        tags=["reservations"],
        responses=described({200: answers.Timeline}, 401, 403, 404),
    )
    def get(self, request: Request, *, reservation_id: UUID) -> Response:
        """Return every step of its flows, oldest first, with the line of code it comes from."""
        told = selectors.reservation_timeline(
            account_id=self.account_id, reservation_id=reservation_id
        )
        return Response(answers.Timeline({"timeline": told}).data)


def page_of(account_id: UUID, reservation_id: UUID) -> Any:
    """Return everything about a reservation, ready to be sent."""
    found = selectors.reservation_page(account_id=account_id, reservation_id=reservation_id)
    return answers.Reservation(pages.page(found)).data

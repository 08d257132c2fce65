"""Pay for, confirm and cancel a reservation."""

from typing import cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from booking import commands, selectors
from booking.api import answers, pages, requests, waiting
from booking.api.endpoint import TravellerEndpoint
from booking.api.idempotent import idempotent
from booking.api.reservations import page_of
from booking.api.schema import IDEMPOTENCY_KEY_REQUIRED, PREFER
from identity.api.schema import answers as described
from identity.models import User


def outcome(request: Request, accepted: Response, *, reservation_id: UUID) -> Response:
    """Answer with the outcome if it is known in time, else that the request was accepted."""
    with waiting.place(waiting.seconds_preferred(request)) as seconds:
        is_final = waiting.is_final(reservation_id=reservation_id, within=seconds)
    headers = {"Preference-Applied": f"wait={seconds:.0f}"} if seconds else {}
    if is_final:
        account_id = selectors.account_id_of(user_id=cast(User, request.user).pk)
        return Response(page_of(account_id, reservation_id), headers=headers)
    for name, value in headers.items():
        accepted[name] = value
    return accepted


def accepted(reservation_id: UUID, *, status_now: str) -> Response:
    """Answer 202: look at `Location` in a second."""
    return Response(
        answers.Accepted(pages.accepted(reservation_id, status=status_now)).data,
        status.HTTP_202_ACCEPTED,
        headers={"Location": pages.links_of(reservation_id)["self"], "Retry-After": "1"},
    )


class Payment(TravellerEndpoint):
    """How a reservation will be paid, and what became of the money."""

    @extend_schema(
        operation_id="reservations_payment",
        summary="See the payment",
        tags=["reservations"],
        responses=described({200: answers.Payment}, 401, 403, 404),
    )
    def get(self, request: Request, *, reservation_id: UUID) -> Response:
        """Return what was authorised, taken and given back, and by which card."""
        found = selectors.payment(account_id=self.account_id, reservation_id=reservation_id)
        return Response(answers.Payment(pages.payment(found)).data)

    @extend_schema(
        operation_id="reservations_enter_payment_details",
        summary="Enter payment details",
        tags=["reservations"],
        request=requests.PaymentMethod,
        responses=described({200: answers.Reservation}, 400, 401, 403, 404, 409, 503),
    )
    def put(self, request: Request, *, reservation_id: UUID) -> Response:
        """Tell the card processor; nothing is taken yet. Entering again replaces."""
        body = requests.PaymentMethod(data=request.data)
        body.is_valid(raise_exception=True)
        commands.enter_payment_details(
            account_id=self.account_id, reservation_id=reservation_id, **body.validated_data
        )
        return Response(page_of(self.account_id, reservation_id))


class Confirm(TravellerEndpoint):
    """Buy the trip."""

    @extend_schema(
        operation_id="reservations_confirm",
        summary="Confirm a reservation",
        tags=["reservations"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED, PREFER],
        request=None,
        responses=described(
            {200: answers.Reservation, 202: answers.Accepted}, 400, 401, 403, 404, 409, 422
        ),
    )
    @idempotent(required=True, after=outcome)
    def post(self, request: Request, *, reservation_id: UUID) -> Response:
        """Start the flow that books and pays."""
        commands.confirm_reservation(account_id=self.account_id, reservation_id=reservation_id)
        return accepted(reservation_id, status_now="confirming")


class Cancel(TravellerEndpoint):
    """Do without the trip."""

    @extend_schema(
        operation_id="reservations_cancel",
        summary="Cancel a reservation",
        tags=["reservations"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED, PREFER],
        request=None,
        responses=described(
            {200: answers.Reservation, 202: answers.Accepted}, 400, 401, 403, 404, 409, 422
        ),
    )
    @idempotent(required=True, after=outcome)
    def post(self, request: Request, *, reservation_id: UUID) -> Response:
        """Cancel a draft at once, or ask the flow that is confirming it to turn back."""
        commands.cancel_reservation(account_id=self.account_id, reservation_id=reservation_id)
        return accepted(reservation_id, status_now="cancelling")

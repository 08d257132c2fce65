"""Sign up, look at oneself, take one's data along, be forgotten."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from booking import commands, selectors
from booking.api import answers, pages, requests
from booking.api.endpoint import TravellerEndpoint
from booking.api.idempotent import idempotent
from booking.api.schema import IDEMPOTENCY_KEY
from identity import rates
from identity.api.schema import answers as described
from identity.endpoint import Endpoint


def new_token(body: Mapping[str, Any]) -> str:
    """Return another token for the account that a repeated sign-up had created."""
    return commands.issue_token(account_id=UUID(body["account_id"])).token


class Accounts(Endpoint):
    """Travellers."""

    permission_classes = (AllowAny,)
    rates = {"POST": rates.SIGN_UP}

    @extend_schema(
        operation_id="accounts_create",
        summary="Sign up as a traveller",
        tags=["accounts"],
        auth=[],
        parameters=[IDEMPOTENCY_KEY],
        request=requests.SignUp,
        responses=described({201: answers.NewAccount}, 400, 409, 422),
    )
    @idempotent(reissue=new_token)
    def post(self, request: Request) -> Response:
        """Create login, account and a first token; a verification mail follows."""
        body = requests.SignUp(data=request.data)
        body.is_valid(raise_exception=True)
        account = commands.register_account(**body.validated_data)
        return Response(answers.NewAccount(account).data, status.HTTP_201_CREATED)


class Me(TravellerEndpoint):
    """The traveller who asks."""

    @extend_schema(
        operation_id="accounts_me",
        summary="Look at one's account",
        tags=["accounts"],
        responses=described({200: answers.Account}, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Return the account of the token."""
        account = selectors.account(account_id=self.account_id)
        return Response(answers.Account(account).data)


class Export(TravellerEndpoint):
    """All that Booking keeps about the traveller who asks."""

    @extend_schema(
        operation_id="accounts_export",
        summary="Take one's data along",
        tags=["accounts"],
        responses=described({200: answers.Export}, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Return the account and every trip with its travellers, orders and money."""
        found = selectors.everything_about(account_id=self.account_id)
        shown = {"account": found.account, "reservations": [pages.trip(one) for one in found.trips]}
        return Response(answers.Export(shown).data)


class Erasure(TravellerEndpoint):
    """The end of the account of the traveller who asks."""

    rates = {"POST": rates.PASSWORD}

    @extend_schema(
        operation_id="accounts_erase",
        summary="Close one's account and be forgotten",
        tags=["accounts"],
        request=requests.Password,
        responses=described({204: None}, 400, 401, 403, 409),
    )
    def post(self, request: Request) -> Response:
        """Forget name and address here, in the log and in every context that hears of it."""
        body = requests.Password(data=request.data)
        body.is_valid(raise_exception=True)
        commands.close_account(account_id=self.account_id, **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)

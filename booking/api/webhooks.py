"""What the card processor tells us."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from booking import commands
from identity import parsing
from identity.api.schema import answers as described
from identity.endpoint import Endpoint

SIGNATURE = OpenApiParameter("Stripe-Signature", str, OpenApiParameter.HEADER, required=True)


class Cards(Endpoint):
    """Webhooks of the card processor."""

    permission_classes = (AllowAny,)

    def get_throttles(self) -> list[BaseThrottle]:
        """Set no limit: what the processor is refused it sends again, and forgeries are cheap to refuse."""
        return []

    def read_body(self, request: Request) -> None:
        """Read the bytes themselves, whatever type they are said to be: the signature is over them."""
        parsing.read_object(request.body)

    @extend_schema(
        operation_id="webhooks_cards",
        summary="Receive a message of the card processor",
        tags=["webhooks"],
        auth=[],
        parameters=[SIGNATURE],
        request=OpenApiTypes.OBJECT,
        responses=described({200: OpenApiTypes.OBJECT}, 400),
    )
    def post(self, request: Request) -> Response:
        """Store a message whose signature fits, and look at the payment; duplicates are welcome."""
        # Signatures are compared as ASCII text; what is not fits no body.
        signature = request.headers.get("Stripe-Signature", "").encode("ascii", "replace").decode()
        commands.receive_card_webhook(body=request.body, signature=signature)
        return Response({})

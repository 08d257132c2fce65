"""What operators look at over HTTP; they act in the back office or with `manage.py saga`."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from booking import selectors
from booking.api import answers
from identity.api.schema import answers as described
from identity.endpoint import Endpoint


class MayLookAtSagas(BasePermission):
    """Staff who may see sagas in the back office may see them here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Ask for the same permission."""
        user = request.user
        return bool(user.is_staff) and user.has_perm("booking.view_sagainstance")


class ParkedSagas(Endpoint):
    """The flows that wait for a person."""

    permission_classes = (MayLookAtSagas,)

    @extend_schema(
        operation_id="sagas_parked",
        summary="List the flows that wait for a person, with what is at stake",
        tags=["operations"],
        responses=described({200: answers.ParkedSagas}, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Return the hundred that have waited longest, each with its money call by call."""
        parked = {"sagas": selectors.parked_sagas(limit=100)}
        return Response(answers.ParkedSagas(parked).data)

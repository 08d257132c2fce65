"""A bare REST framework view on the same server and settings: it inserts one row, or reads one, and nothing else."""

import uuid
from typing import Any

from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import health
from identity.models import Tally


class Bare(APIView):
    """One row, for everybody."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        """Insert it."""
        row = Tally.objects.create(key=uuid.uuid4().hex, count=1, ends_at=timezone.now())
        return Response({"key": row.key}, 201)

    def get(self, request: Request, **route: Any) -> Response:
        """Read it."""
        row = Tally.objects.get(pk=route["key"])
        return Response({"key": row.key, "count": row.count, "ends_at": row.ends_at})


urlpatterns = [
    path("readyz", health.readyz),
    path("bare", Bare.as_view()),
    path("bare/<str:key>", Bare.as_view()),
]

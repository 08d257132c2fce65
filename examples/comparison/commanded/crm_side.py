"""The door that CRM must open to be commanded."""

from datetime import datetime
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from crm.commands import projections


class CreateProfile(msgspec.Struct, kw_only=True):
    """The command, as Booking has to word it."""

    account_id: UUID
    email: str
    full_name: str
    locale: str
    at: datetime


@csrf_exempt
def create_profile(request: HttpRequest) -> HttpResponse:
    """Create the profile; the same command twice is one profile."""
    command = msgspec.json.decode(request.body, type=CreateProfile)
    projections.register_profile(**msgspec.structs.asdict(command))
    return HttpResponse(status=201)

"""The view class of everything that a traveller does as a traveller."""

from typing import Any, cast
from uuid import UUID

from rest_framework.request import Request

from booking import selectors
from identity.endpoint import Endpoint
from identity.models import User


class TravellerEndpoint(Endpoint):
    """A view for signed-in travellers; `account_id` is theirs."""

    account_id: UUID

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the traveller's account once the token was accepted.

        Raises:
            selectors.NotATraveller: the login is not a traveller's.
        """
        super().initial(request, *args, **kwargs)
        self.account_id = selectors.account_id_of(user_id=cast(User, request.user).pk)

"""Travellers in the back office: looked at, and forgotten when they ask for it."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from backoffice.deeds import Deed, DoesDeeds
from backoffice.pages import LookOnlyPage
from booking import commands
from booking.models import Account


def _erase(account: Account, actor: str, said: Mapping[str, Any]) -> str:
    commands.erase_account(account_id=account.pk)
    return f"{account.pk} is forgotten."


ERASE: Final = Deed(
    name="erase",
    title="Forget the traveller",
    explains="Name and address are overwritten here and in the log of events, the login is closed, and"
    " CRM is told to forget. Reservations stay, as the other side of payments. There is no way back.",
    act=_erase,
    danger=True,
)


@admin.register(Account)
class AccountAdmin(DoesDeeds, LookOnlyPage):
    """Who travels."""

    list_display = ("full_name", "user", "locale", "created_at")
    list_select_related = ("user",)
    search_fields = ("full_name", "user__email", "=id")
    actions = ("erase",)

    @admin.action(description="Forget the traveller", permissions=["erase"])
    def erase(self, request: HttpRequest, rows: QuerySet[Account]) -> HttpResponse:
        """Forget who somebody is."""
        return self.ask_and_do(request, rows, ERASE)

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Let those forget who may delete accounts."""
        return request.user.has_perm("booking.delete_account")

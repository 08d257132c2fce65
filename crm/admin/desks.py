"""What every page of CRM shares: whose rows are shown, and who may add some."""

from typing import Any, Final, cast

from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from backoffice.pages import LookOnlyPage
from crm import models, selectors
from identity.models import User

SEES_ALL: Final = "crm.see_all_providers"


class Desk(LookOnlyPage):
    """Rows of the providers for which the login works; nobody changes or deletes them here.

    What a person may look at is said by their role, which rows by their memberships.
    """

    path_to_provider = "provider"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the login may see."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.has_perm(SEES_ALL):
            return rows
        mine = selectors.providers_of(user_id=user_of(request).pk)
        return rows.filter(
            **{f"{self.path_to_provider}__in": mine.values("provider_id")}
        ).distinct()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the pages in the menu to whoever may see one."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in whose role allows it and who works for a provider, or sees all."""
        user = user_of(request)
        allowed = super().has_view_permission(request, obj)
        return bool(allowed) and (
            user.has_perm(SEES_ALL) or selectors.providers_of(user_id=user.pk).exists()
        )


class AddingDesk(Desk):
    """A page on which a row about a customer is added, through a command."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it to whose role allows it and who may write for a provider."""
        user, opts = user_of(request), self.opts
        return user.has_perm(f"{opts.app_label}.add_{opts.model_name}") and writable(user).exists()

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the providers for which the login may write."""
        if db_field.name == "provider":
            kwargs["queryset"] = writable(user_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def user_of(request: HttpRequest) -> User:
    """Return who is signed in."""
    return cast(User, request.user)


def writable(user: User) -> QuerySet[models.Provider]:
    """Return the providers for which a person may add rows."""
    if user.is_superuser:
        return models.Provider.objects.all()
    return selectors.providers_of(user_id=user.pk, writing=True)

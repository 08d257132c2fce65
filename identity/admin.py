"""Logins and roles in the back office. Nobody gives what they do not have, nor changes who has more."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from knox.models import get_token_model
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from backoffice.deeds import Deed, DoesDeeds
from backoffice.pages import LookOnlyPage, Page
from identity import lockout
from identity.forms import (
    UserChangeForm,
    UserCreationForm,
    grantable_groups,
    grantable_permissions,
)
from identity.models import SignInLock, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Page):  # type: ignore[misc, type-arg]
    """Who may sign in, and what they may do in the back office."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "full_name", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    search_fields = ("email", "full_name")
    ordering = ("email",)
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("date_joined", "last_login", "email_verified_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name")}),
        (
            "What they may do",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("When", {"fields": ("date_joined", "last_login", "email_verified_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "full_name", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let nobody but a superuser hand out more than roles."""
        beyond = () if _user(request).is_superuser else ("is_superuser", "user_permissions")
        return (*self.readonly_fields, *beyond)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse to change who may do more than oneself: their password would open their door."""
        return super().has_change_permission(request, obj) and (
            obj is None or not _has_more(obj, than=_user(request))
        )

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the roles that one may give."""
        if db_field.name == "groups":
            kwargs["queryset"] = grantable_groups(_user(request))
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)


admin.site.unregister(Group)
# A token is shown once, to whom it is issued by the API.
admin.site.unregister(get_token_model())


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Page):  # type: ignore[misc]
    """Roles: named sets of permissions. Those of the code are brought up to date by `migrate`."""

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Refuse to change a role of the code, or one that gives more than one has."""
        return super().has_change_permission(request, obj) and (
            obj is None
            or (
                obj.name not in settings.BACKOFFICE_ROLES
                and grantable_groups(_user(request)).filter(pk=obj.pk).exists()
            )
        )

    filter_horizontal = ()

    def formfield_for_manytomany(
        self,
        db_field: "ManyToManyField[Any, Any]",
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> Any:
        """Offer the permissions that one may give."""
        field: Any = super().formfield_for_manytomany(db_field, request=request, **kwargs)
        if request is not None and db_field.name == "permissions":
            allowed = grantable_permissions(_user(request)).values("pk")
            field.queryset = field.queryset.filter(pk__in=allowed)
            # Which model it is about is in the name already.
            field.label_from_instance = attrgetter("name")
            field.widget = UnfoldAdminCheckboxSelectMultipleWidget(choices=field.choices)
            field.help_text = "Nobody gives what they do not have."
        return field


def _open(lock: SignInLock, actor: str, said: Mapping[str, Any]) -> str:
    lockout.forget(email=lock.email)
    return f"{lock.email} may try again."


UNLOCK = Deed(
    name="unlock",
    title="Open the lock",
    explains="Whoever knows the password can sign in again at once. Make sure who asks for it.",
    act=_open,
)


@admin.register(SignInLock)
class SignInLockAdmin(DoesDeeds, LookOnlyPage):
    """Under which addresses passwords are being tried."""

    list_display = ("email", "tries", "first_at", "locked_until")
    search_fields = ("email",)
    ordering = ("-first_at",)
    actions = ("unlock",)

    @admin.action(description="Open the lock", permissions=["open"])
    def unlock(self, request: HttpRequest, rows: QuerySet[SignInLock]) -> HttpResponse:
        """Let somebody try again before the lock ends by itself."""
        return self.ask_and_do(request, rows, UNLOCK)

    def has_open_permission(self, request: HttpRequest) -> bool:
        """Let those open who may change locks."""
        return request.user.has_perm("identity.change_signinlock")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _has_more(other: User, *, than: User) -> bool:
    """Whether somebody may do what another may not give."""
    if than.is_superuser or other.pk == than.pk:
        return False
    roles = other.groups.exclude(pk__in=grantable_groups(than).values("pk"))
    return other.is_superuser or roles.exists() or other.user_permissions.exists()

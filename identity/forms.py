"""The forms of the back office about logins."""

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from unfold import forms

from identity import lockout
from identity.models import User


class SignInForm(forms.AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """Address and password; tells when there were too many tries, whoever's address it is."""

    def get_invalid_login_error(self) -> ValidationError:
        """Say why nobody is let in."""
        if lockout.locked_until(email=self.cleaned_data.get("username") or "") is not None:
            return ValidationError(
                "Too many tries. Wait a quarter of an hour, or ask an operator to open the lock.",
                code="locked_out",
            )
        error: ValidationError = super().get_invalid_login_error()
        return error


class UserCreationForm(forms.UserCreationForm):  # type: ignore[misc]
    """Ask for an address instead of a user name."""

    class Meta:
        model = User
        fields = ("email", "full_name")


class UserChangeForm(forms.UserChangeForm):  # type: ignore[misc]
    """Show a login."""

    class Meta:
        model = User
        fields = "__all__"


def grantable_permissions(user: User) -> QuerySet[Permission]:
    """Return what a person may give to others: nobody gives what they do not have."""
    if user.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(group__user=user).distinct()


def grantable_groups(user: User) -> QuerySet[Group]:
    """Return the roles that a person may give to others."""
    if user.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=grantable_permissions(user).values("pk"))
    return Group.objects.exclude(permissions__in=beyond)

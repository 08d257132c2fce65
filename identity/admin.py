"""Logins in the back office."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from unfold import forms
from unfold.admin import ModelAdmin

from identity.models import User


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


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Who may sign in, and what they may do in the back office."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = forms.AdminPasswordChangeForm
    list_display = ("email", "full_name", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "full_name")
    ordering = ("email",)
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


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles: named sets of permissions."""

"""The roles of the back office: groups whose permissions are those of `settings.BACKOFFICE_ROLES`."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import transaction


def after_migrate(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Bring the roles up to date once the last app has its permissions.

    `flush` sends the same signal, after each test that commits; only `migrate` says which `apps` it means.
    """
    last = list(app_config.apps.get_app_configs())[-1]  # type: ignore[union-attr]
    if "apps" in kwargs and app_config.label == last.label:
        synchronise(using=using)


def group(name: str) -> Group:
    """Return the group of a role; of a database that was emptied, made anew.

    Raises:
        Group.DoesNotExist: there is no such role.
    """
    if not Group.objects.filter(name=name).exists():
        synchronise()
    return Group.objects.get(name=name)


def synchronise(*, using: str = "default") -> None:
    """Give each role exactly the permissions that the table names, those of apps that are not installed left out."""
    names = list(settings.BACKOFFICE_ROLES)
    grants = Group.permissions.through.objects.using(using)
    with transaction.atomic(using=using):
        groups = Group.objects.using(using)
        groups.bulk_create([Group(name=name) for name in names], ignore_conflicts=True)
        numbers = dict(groups.filter(name__in=names).values_list("name", "pk"))
        wanted = _wanted(numbers, using=using)
        ours = grants.filter(group__in=numbers.values())
        known = {(row.group_id, row.permission_id): row.pk for row in ours}
        grants.filter(pk__in=[known[pair] for pair in known.keys() - wanted]).delete()
        grants.bulk_create(
            [
                Group.permissions.through(group_id=group, permission_id=permission)
                for group, permission in sorted(wanted - known.keys())
            ],
            ignore_conflicts=True,
        )


def _wanted(numbers: dict[str, int], *, using: str) -> set[tuple[int, int]]:
    """Return (group, permission) for what the table says."""
    rows = Permission.objects.using(using).values_list("pk", "content_type__app_label", "codename")
    known = {f"{app}.{codename}": number for number, app, codename in rows}
    return {
        (numbers[role], known[name])
        for role, names in settings.BACKOFFICE_ROLES.items()
        for name in names
        if name in known
    }

"""The context map as code: settings, streams, queues and architecture tests all read it."""

from typing import Final

CONTEXTS: Final[dict[str, tuple[str, ...]]] = {
    # Booking leads three services; only the sagas put calls to them in sequence.
    "booking": ("booking", "reservation", "providers", "payments"),
    # CRM listens.
    "crm": ("crm",),
}
SHARED: Final[tuple[str, ...]] = ("backoffice", "identity", "eventbus")
"""Apps that belong to no context and know nobody."""

SHARED_PACKAGES: Final[tuple[str, ...]] = ("outbound",)
"""Plain packages (not Django apps) that belong to no context and know nobody."""

LINK_QUEUES: Final[tuple[str, ...]] = ("reservation", "provider", "payment")
"""One Celery queue for each link of Booking's chain."""

CRM_QUEUE: Final = "crm"


def apps_of(contexts: list[str]) -> list[str]:
    """Return the apps to install for the named contexts, shared ones first.

    Raises:
        KeyError: a name is not a context.
    """
    return [*SHARED, *(app for context in contexts for app in CONTEXTS[context])]


def owners() -> dict[str, str]:
    """Return app -> context: whose stream an app's events go to."""
    return {app: context for context, apps in CONTEXTS.items() for app in apps}

"""Which stream an app's events go to, and what it is called in Redis."""

from django.conf import settings


class StreamUnknown(LookupError):
    """No context owns the app, so its events have no stream (`EVENTBUS_OWNERS`)."""


def stream_of(app: str) -> str:
    """Return the name of the stream (= the context) for the events of an app.

    Raises:
        StreamUnknown: the setting `EVENTBUS_OWNERS` does not name the app.
    """
    try:
        return str(settings.EVENTBUS_OWNERS[app])
    except KeyError as error:
        raise StreamUnknown(f"EVENTBUS_OWNERS names no context for the app {app!r}") from error


def stream_names() -> list[str]:
    """Return every stream of the project, sorted."""
    return sorted(set(settings.EVENTBUS_OWNERS.values()))


def redis_key(*, stream: str, epoch: str) -> str:
    """Return the key of one life of a stream; the braces keep its keys in one cluster slot."""
    return f"eb:{{{stream}}}:{epoch}"

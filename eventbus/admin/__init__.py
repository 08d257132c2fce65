"""The bus in the web admin: read only, but for settling what waits for a person."""

from eventbus.admin import home, inbox, log, progress

__all__ = ["home", "inbox", "log", "progress"]

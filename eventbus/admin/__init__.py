"""The bus in the web admin: read only, but for settling what waits for a person. Its frame is `backoffice`."""

from django.apps import apps

if apps.is_installed("backoffice"):  # a project into which the bus was lifted has another frame
    from eventbus.admin import home, inbox, log, progress

    __all__ = ["home", "inbox", "log", "progress"]

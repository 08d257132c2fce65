"""The project with both losers beside it: one more app, one more owner of events, one more door of CRM."""

from config.settings import *  # noqa: F403
from config.settings import EVENTBUS_OWNERS, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "examples.comparison"]
EVENTBUS_OWNERS = {**EVENTBUS_OWNERS, "examples": "booking"}
ROOT_URLCONF = "examples.comparison.urls"
# What a process remembers for half a second would be counted once more, or not.
PARTNER_LOOK_SECONDS = 3600

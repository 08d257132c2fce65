"""The settings of the later release: one app more, which declares the new table."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as OLD_APPS

INSTALLED_APPS = [*OLD_APPS, "tests.flows.newer.apps.NewerConfig"]

"""`manage.py eventbus …` with the sample events, for tests that need processes to kill."""

import sys
from importlib import import_module
from uuid import UUID

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    settings.EVENTBUS_OWNERS = {"tests": "tests"}
    sample = import_module("tests.integration.eventbus.sample")
    if sys.argv[1] == "say":
        sample.say(UUID(sys.argv[2]), *range(int(sys.argv[3])))
    else:
        call_command("eventbus", *sys.argv[1:])

"""`manage.py eventbus …` with the sample events, for tests that need processes to kill."""

import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    settings.EVENTBUS_OWNERS = {"tests": "tests"}
    import_module("tests.integration.eventbus.sample")
    call_command("eventbus", *sys.argv[1:])

"""Run in a process of its own: say as JSON what a process of one context has and what it serves."""

import json
import sys

import django
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from config import contexts
from config.celery import app as celery

PATHS = {"booking": "/api/v1/reservations", "crm": "/api/v1/crm/customers"}
EVERYTHING = contexts.apps_of(list(contexts.CONTEXTS))


def main() -> None:
    """Load all that a web process, a worker and a consumer load, and print what came of it."""
    django.setup()
    celery.loader.import_default_modules()
    get_resolver().url_patterns  # noqa: B018 - loads every view
    client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
    found = {
        "apps": [config.name for config in apps.get_app_configs() if config.name in EVERYTHING],
        "tables": connection.introspection.table_names(),
        "modules": sorted(name for name in sys.modules if name.partition(".")[0] in EVERYTHING),
        "tasks": sorted(name for name in celery.tasks if not name.startswith("celery.")),
        "answers": {name: client.get(path).status_code for name, path in PATHS.items()},
        "documented": sorted(client.get("/api/v1/openapi.json").json()["paths"]),
        "ready": client.get("/readyz").status_code,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

"""The Celery app: a queue message is a hint, PostgreSQL holds the work (docs/decisions/0003)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery's Django fixup reads this key from the app's own configuration: without it every task
# opens a new database connection.
app.conf["CELERY_DB_REUSE_MAX"] = 5000
app.autodiscover_tasks()

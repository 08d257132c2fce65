"""Config: settings, the context map, the Celery app and the URLs of the project."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

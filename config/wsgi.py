"""The WSGI entry point (gunicorn)."""

import os

from django.core.wsgi import get_wsgi_application

from config import malformed
from eventbus import nudge
from outbound import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
malformed.answer_with_problems()
# No request waits for Redis, not even for the one second after which it counts as away.
broker.in_background()
nudge.in_background()

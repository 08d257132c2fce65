"""The project's settings with other URLs: what a bare view costs under the same middleware."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare_web"

"""Settings: what production refuses to start on, with a message that names the variable."""

import os
import subprocess
import sys

import pytest

from config import settings
from tests.architecture.documents import ROOT

GOOD = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "of-our-own-" + "0123456789abcdef" * 4,
    "DJANGO_ALLOWED_HOSTS": "travel.example",
    "DJANGO_CONTEXTS": "booking,crm",
    "PUBLIC_URL": "https://travel.example",
    "PARTNER_API_KEY": "partner-key-of-our-own",
    "STRIPE_API_KEY": "sk_live_of_our_own",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_our_own",
}
OF_BOOKING = {"PARTNER_API_KEY": "", "STRIPE_API_KEY": "", "STRIPE_WEBHOOK_SECRET": ""}
REFUSED = [
    ("DJANGO_SECRET_KEY", ""),
    ("DJANGO_SECRET_KEY", settings.DEVELOPMENT_SECRET),
    ("DJANGO_SECRET_KEY", "short"),
    ("DJANGO_ALLOWED_HOSTS", ""),
    ("DJANGO_ALLOWED_HOSTS", "*"),
    ("DJANGO_ALLOWED_HOSTS", "travel.example,*"),
    ("PUBLIC_URL", ""),
    ("PARTNER_API_KEY", ""),
    ("PARTNER_API_KEY", "sandbox-partner-key"),
    ("STRIPE_API_KEY", ""),
    ("STRIPE_API_KEY", "sk_test_sandbox"),
    ("STRIPE_WEBHOOK_SECRET", ""),
    ("STRIPE_WEBHOOK_SECRET", "whsec_sandbox"),
]
WRONG = [
    ("DJANGO_CONTEXTS", "booking,bokking", "unknown contexts: bokking. Known: booking, crm."),
    ("DATABASE_URL", "sqlite:////tmp/travel.sqlite3", "must name a PostgreSQL database"),
    ("DATABASE_URL", "mysql://root@127.0.0.1/travel", "must name a PostgreSQL database"),
    ("SAGA_DISPATCH", "twice", "is one of: once, drop, triple"),
    ("SAGA_CALL_SECONDS", "30", "must be shorter than SAGA_LEASE_SECONDS"),
    ("DATABASE_URL", "nonsense", "must name a PostgreSQL database"),
    ("SAGA_LEASE_SECONDS", "abc", "SAGA_LEASE_SECONDS is a number of seconds above 0, not 'abc'"),
    ("SAGA_SWEEP_SECONDS", "-1", "SAGA_SWEEP_SECONDS is a number of seconds above 0"),
    ("DJANGO_CONTEXTS", "", "DJANGO_CONTEXTS names no context"),
    ("SAGA_DISPATCH", "drop", "production sends each message once"),
    ("EMAIL_URL", "pigeon://roof", "Invalid email schema pigeon"),
]


def check(**changed: str) -> subprocess.CompletedProcess[str]:
    """Run Django's deployment check; whatever `changed` does not name is production's."""
    env = {"PATH": os.environ["PATH"], **GOOD, **changed}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_production_starts_on_settings_of_its_own_and_the_deployment_check_is_clean() -> None:
    done = check()

    assert done.returncode == 0, done.stderr
    assert "(security." not in done.stderr


def test_crm_alone_needs_no_secrets_of_booking() -> None:
    done = check(DJANGO_CONTEXTS="crm", **OF_BOOKING)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("variable", "value"), REFUSED)
def test_production_refuses_a_secret_that_is_missing_or_known(variable: str, value: str) -> None:
    done = check(**{variable: value})

    said = done.stderr.strip().splitlines()[-1]
    others = [name for name in GOOD if name not in {variable, "DJANGO_DEBUG"}]
    assert done.returncode != 0
    assert f"Production refuses to start: set {variable}" in said
    assert not [name for name in others if name in said]


def test_production_names_all_that_is_missing_at_once() -> None:
    missing = {name: "" for name in GOOD if name not in {"DJANGO_DEBUG", "DJANGO_CONTEXTS"}}

    said = check(**missing).stderr.strip().splitlines()[-1]

    assert f"set {', '.join(missing)} to values of your own" in said


def test_without_a_word_about_debug_it_is_production() -> None:
    done = check(DJANGO_DEBUG="", DJANGO_SECRET_KEY=settings.DEVELOPMENT_SECRET)

    assert "Production refuses to start: set DJANGO_SECRET_KEY" in done.stderr


@pytest.mark.parametrize(("variable", "value", "message"), WRONG)
def test_a_wrong_value_is_refused_with_a_message_that_says_what_is_right(
    variable: str, value: str, message: str
) -> None:
    done = check(**{variable: value})

    said = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert said.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert message in said


def test_cookies_of_production_are_sent_encrypted_only_and_cannot_be_set_by_a_neighbour() -> None:
    names = ["SESSION_COOKIE", "CSRF_COOKIE"]
    said = "; ".join(f"print(s.{name}_NAME, s.{name}_SECURE, s.{name}_PATH)" for name in names)
    command = [sys.executable, "-c", f"from django.conf import settings as s; {said}"]
    env = {"PATH": os.environ["PATH"], **GOOD, "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["__Host-session True /", "__Host-csrf True /"]

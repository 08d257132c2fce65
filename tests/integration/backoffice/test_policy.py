"""What browsers are told: no inline script, no frames, nothing from elsewhere."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from backoffice.policy import ADMIN
from tests.integration.backoffice.people import somebody

pytestmark = pytest.mark.django_db

PAGES = ["/admin/login/", "/admin/", "/admin/booking/sagainstance/", "/admin/nothing-here/"]
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|\son[a-z]+=\"|javascript:|<style",
    re.I,
)
"""A script or style that the policy would refuse to run."""
ALPINE = "0d18d7f8d7910e2e0212f0f056b12f50bebc3abb7d88d2f7c7cb4c336fe4519a"
"""The digest of the minified build in version 3.17.4 of `@alpinejs/csp`."""


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_the_web_admin_run_no_inline_script(client: Client, path: str) -> None:
    if "login" not in path:
        client.force_login(somebody("superuser"))

    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    [scripts] = [part for part in policy.split("; ") if part.startswith("script-src ")]
    assert policy == ADMIN
    assert scripts == "script-src 'self'"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_no_page_has_a_script_or_style_that_would_be_refused(client: Client) -> None:
    client.force_login(somebody("superuser"))
    names = [(m._meta.app_label, m._meta.model_name) for m in admin.site._registry]
    lists = [reverse(f"admin:{app}_{model}_changelist") for app, model in names]
    forms = [reverse(f"admin:{app}_{model}_add") for app, model in names]

    found = {path: client.get(path).content.decode() for path in ["/admin/", *lists, *forms]}

    assert {path: INLINE.findall(page) for path, page in found.items() if INLINE.search(page)} == {}


def test_alpine_is_the_build_that_compiles_nothing() -> None:
    found = Path(str(finders.find("unfold/js/alpine/alpine.js")))

    assert found.is_relative_to(settings.BASE_DIR / "backoffice" / "csp")
    assert hashlib.sha256(found.read_bytes()).hexdigest() == ALPINE


def test_answers_that_are_no_page_may_load_nothing(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_deed_leads_back_to_a_page_of_ours_only(client: Client) -> None:
    client.force_login(somebody("superuser"))
    elsewhere = {"action": "unlock", "_selected_action": ["x"], "next": "//evil.example/"}

    page = client.post("/admin/identity/signinlock/", elsewhere)

    assert "evil.example" not in page.content.decode()

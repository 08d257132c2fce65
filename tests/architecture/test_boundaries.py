"""What imports cannot show: rows, receivers, folders and words stay within their boundaries."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Field, ForeignObject
from django.dispatch import Signal

from config import contexts
from eventbus import publish

ROOT = Path(settings.BASE_DIR)
PACKAGES = [*contexts.apps_of(list(contexts.CONTEXTS)), *contexts.SHARED_PACKAGES]
DISTRIBUTIONS = metadata.packages_distributions()
LOGINS = {("booking", "Account"), ("crm", "Membership")}


def _relations() -> list[tuple[str, str, Field]]:  # type: ignore[type-arg]
    return [
        (model._meta.app_label, model.__name__, field)
        for model in apps.get_models()
        if model._meta.app_label in PACKAGES
        for field in model._meta.get_fields()
        if isinstance(field, ForeignObject)
    ]


def test_the_context_map_names_exactly_the_installed_apps() -> None:
    ours = {config.name for config in apps.get_app_configs() if (ROOT / config.name).is_dir()}

    assert ours == set(contexts.apps_of(list(contexts.CONTEXTS)))


@pytest.mark.parametrize("relation", _relations(), ids=lambda r: f"{r[0]}.{r[1]}.{r[2].name}")
def test_no_foreign_key_leaves_its_app(relation: tuple[str, str, ForeignObject]) -> None:
    app, model, field = relation
    target = field.related_model._meta.app_label

    to_login = target == "identity" and (app, model) in LOGINS
    framework = app == "identity" and target in {"auth", "contenttypes"}

    assert target == app or to_login or framework


@pytest.mark.parametrize("package", [*PACKAGES, "config", "devstack", "sandbox"])
def test_every_package_says_in_one_sentence_what_it_is(package: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))

    assert said is not None
    assert len(said.splitlines()) == 1


def test_the_bus_is_the_only_receiver_of_the_event_signal() -> None:
    signal: Signal = publish.event_published
    receivers = [reference() for _, reference, *_ in signal.receivers]

    assert [receiver.__module__.split(".")[0] for receiver in receivers] == ["eventbus"]


def test_nobody_else_connects_to_the_event_signal() -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "event_published" in path.read_text()
    }

    assert all(user.startswith("eventbus/") for user in users)


def test_a_service_has_no_door_but_services() -> None:
    doors = {"api", "commands.py", "selectors.py", "handlers.py", "tasks.py", "urls.py"}

    for service in ("reservation", "providers", "payments"):
        assert not doors & {path.name for path in (ROOT / service).iterdir()}
        assert (ROOT / service / "services.py").is_file()


@pytest.mark.parametrize("package", [*PACKAGES, "config", "devstack", "sandbox"])
def test_no_file_is_longer_than_300_lines_and_none_is_a_junk_drawer(package: str) -> None:
    junk = {"utils", "common", "helpers", "base", "manager", "misc"}

    for path in (ROOT / package).rglob("*.py"):
        if "migrations" in path.parts:
            continue
        assert len(path.read_text().splitlines()) <= 300, path
        assert path.stem not in junk, path


def test_the_contracts_of_the_imports_are_kept() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_contracts_cover_every_package_of_the_context_map() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert sorted(told["root_packages"]) == sorted([*PACKAGES, "config"])


def test_what_runs_in_production_imports_no_development_requirement() -> None:
    locked = re.findall(
        r"^([\w.-]+)(?:\[[\w,-]+\])?==", (ROOT / "requirements.txt").read_text(), re.M
    )
    runtime = {_normal(name) for name in locked}

    strangers = {
        f"{path.relative_to(ROOT)}: {top}"
        for package in [*PACKAGES, "config"]
        for path in (ROOT / package).rglob("*.py")
        for top in _imported(path)
        if not {_normal(name) for name in DISTRIBUTIONS.get(top, [])} & runtime
    }

    assert strangers == set()


def _imported(path: Path) -> set[str]:
    """Return the packages that a file imports, the standard library's and our own apart."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add(node.module or "")
    tops = {name.partition(".")[0] for name in named}
    return tops - sys.stdlib_module_names - {*PACKAGES, "config"}


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()

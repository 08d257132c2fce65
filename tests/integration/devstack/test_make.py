"""What `make` serves and stops, typed as the README shows it, in a copy of the project."""

from pathlib import Path

import httpx
import pytest

from devstack import ports
from devstack.binaries import PROJECT
from tests.architecture.terminal import begin, give
from tests.howto import following


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy with the packages of this one, and nothing running."""
    copy = following.copied(tmp_path).root
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    return copy


def test_a_stack_is_served_asked_stopped_and_cleaned(project: Path, until) -> None:
    port = ports.free_port()
    with begin(f"WEB_PORT={port} make run", cwd=project) as said:
        until(lambda: "serving on" in said.read_text(), seconds=120)

        page = httpx.get(f"http://127.0.0.1:{port}/api/v1/docs")
        listed = give(".venv/bin/python -m devstack manage saga list", cwd=project)
        give("make stop", cwd=project)

    give("make clean", cwd=project)
    assert page.status_code == 200
    assert listed == "", "there is no saga yet"
    assert not (project / "var").exists()

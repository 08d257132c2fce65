"""`.venv` from an empty lock file: made once, repaired when interrupted, left alone when current."""

import signal
import subprocess
import sys

import pytest

from devstack.binaries import PROJECT

COMMAND = [sys.executable, "-m", "devstack.bootstrap", "--project"]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "requirements-dev.txt").write_text("# nothing\n")
    return tmp_path


def bootstrap(project):
    command = [*COMMAND, project]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_an_interrupted_bootstrap_is_repaired_by_the_next(project, until):
    first = subprocess.Popen(
        [*COMMAND, project],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    until((project / ".venv" / "pyvenv.cfg").exists)
    first.send_signal(signal.SIGINT)

    interrupted = first.communicate(timeout=30)[1]
    second = bootstrap(project)
    built = (project / ".venv" / "pyvenv.cfg").stat()
    third = bootstrap(project)

    assert (first.returncode, interrupted.strip()) == (
        130,
        "interrupted: the next run starts .venv over",
    )
    assert second.returncode == 0, second.stderr
    assert "building it anew" in second.stdout
    assert (third.returncode, third.stdout) == (0, "")
    assert (project / ".venv" / "pyvenv.cfg").stat() == built


def test_a_package_that_does_not_exist_is_explained(project):
    (project / "requirements-dev.txt").write_text(
        f"no-such-package-{'x' * 8} @ file:///nowhere/at/all.whl --hash=sha256:{'0' * 64}\n"
    )

    done = bootstrap(project)

    assert done.returncode == 1
    assert "installing .venv failed" in done.stderr
    assert not (project / ".venv" / ".stamp").exists()

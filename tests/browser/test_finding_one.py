"""How CI comes by a browser: Debian's is installed if there is none, and who gets none is told why."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "browser"
TOOLS = ("bash", "id", "timeout", "touch", "chmod")
NEVER = "#!/bin/sh\nexit 100\n"
INSTALLS = '#!/bin/sh\ncase "$*" in *install*) touch {0}/chromium; chmod +x {0}/chromium;; esac\n'
BREAKS = "#!/bin/sh\n"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks for sudo where the user is not root")


def run(folder: Path, apt_get: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script on a machine that has nothing but a few tools and, perhaps, an apt-get."""
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    if apt_get is not None:
        (folder / "apt-get").write_text(apt_get.format(folder))
        (folder / "apt-get").chmod(0o755)
    return subprocess.run(
        [folder / "bash", SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True
    )


def test_a_machine_without_apt_is_told_that_there_will_be_no_browser(tmp_path: Path) -> None:
    found = run(tmp_path)

    assert found.returncode == 1
    assert "there is no apt-get to install it with" in found.stderr


@as_root
@pytest.mark.parametrize(
    ("apt_get", "why"),
    [(NEVER, "apt-get could not install it"), (BREAKS, "it is not on the PATH")],
)
def test_an_apt_that_brings_none_is_told_as_such(tmp_path: Path, apt_get: str, why: str) -> None:
    found = run(tmp_path, apt_get)

    assert found.returncode == 1
    assert why in found.stderr
    assert "tests in a browser will be skipped" in found.stderr


@as_root
def test_a_browser_that_was_missing_is_installed(tmp_path: Path) -> None:
    found = run(tmp_path, INSTALLS)

    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == f"{tmp_path}/chromium was installed\n"

"""Write the requirements*.txt from pyproject.toml, with hashes: `make lock`."""

import subprocess
import sys
import venv
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_UV = "uv==0.13.9"
_OPTIONS = [
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-strip-extras",  # old pips want the extra pinned that a package asks for: `coverage[toml]`
    "--python-version=3.11",
    "--custom-compile-command=make lock",
    "--quiet",
]


def main() -> int:
    """Resolve every set for every supported Python and platform; further words go to uv."""
    uv = _throw_away_uv(_PROJECT / "var" / "uv")
    runtime = ["pyproject.toml", "-o", "requirements.txt"]
    development = [
        "--extra=dev",
        "-c",
        "requirements.txt",
        "pyproject.toml",
        "-o",
        "requirements-dev.txt",
    ]
    peer = ["--group=pyproject.toml:bench", "-o", "requirements-bench.txt"]
    fuzz = ["--group=pyproject.toml:fuzz", "-o", "requirements-fuzz.txt"]
    mutants = [
        "--group=pyproject.toml:mutants",
        "--extra=dev",
        "-c",
        "requirements-dev.txt",
        "pyproject.toml",
        "-o",
        "requirements-mutants.txt",
    ]
    for words in (runtime, development, peer, fuzz, mutants):
        subprocess.run(
            [uv, "pip", "compile", *_OPTIONS, *sys.argv[1:], *words], cwd=_PROJECT, check=True
        )
    return 0


def _throw_away_uv(directory: Path) -> Path:
    """Return uv, in an environment of its own: nothing else of the project needs it."""
    uv = directory / "bin" / "uv"
    if not uv.exists():
        venv.create(directory, with_pip=True, clear=True)
        install = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", _UV]
        subprocess.run(install, check=True)
    return uv


if __name__ == "__main__":
    sys.exit(main())

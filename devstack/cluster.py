"""A PostgreSQL data directory: made completely or not at all, and checked before use."""

import contextlib
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devstack import binaries, privileges
from devstack.errors import CannotStartError
from devstack.foreground import run_to_end

SUPERUSER = "postgres"
LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"


@dataclass(frozen=True)
class Cluster:
    """An initialised data directory, the command that serves it and the uid to do it as."""

    home: Path
    version: str
    command: tuple[str, ...]
    user: int | None
    password: str


def make_cluster(
    *, directory: Path, programs: binaries.Postgres, fresh: bool, sync: bool
) -> Cluster:
    """Return the cluster of `directory`, initialised now if there is none or `fresh` is asked.

    Raises: CannotStartError when another major version made it, or root has no way to run it.
    """
    disguise = privileges.disguise()
    privileges.require_reachable(program=programs.folder / "postgres", by=disguise)
    home = _home(directory=directory, disguise=disguise)
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    if not home.exists():
        _initialise(home=home, programs=programs, disguise=disguise, sync=sync)
    _check_version(home=home, programs=programs)
    return Cluster(
        home=home,
        version=programs.version,
        command=(*disguise.prefix, str(programs.folder / "postgres"), "-D", str(home / "data")),
        user=disguise.user,
        password=(home / "password").read_text(),
    )


def _home(*, directory: Path, disguise: privileges.Disguise) -> Path:
    """Return where the cluster lives: `nobody` cannot enter a private folder of root's."""
    directory.mkdir(parents=True, exist_ok=True)
    home = directory.resolve() / "postgres"
    if disguise.user is None or privileges.is_open_to_all(home):
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    shelter = Path(tempfile.gettempdir()) / f"devstack-{digest}"
    shelter.mkdir(mode=0o711, exist_ok=True)
    if shelter.stat().st_uid != os.geteuid():
        raise CannotStartError(f"{shelter} belongs to somebody else: remove it")
    return shelter / "postgres"


def _initialise(
    *, home: Path, programs: binaries.Postgres, disguise: privileges.Disguise, sync: bool
) -> None:
    """Build beside the final place and rename: an interrupted initdb leaves nothing behind."""
    partial = home.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _fill(partial=partial, programs=programs, disguise=disguise, sync=sync)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(home)


def _fill(
    *, partial: Path, programs: binaries.Postgres, disguise: privileges.Disguise, sync: bool
) -> None:
    partial.mkdir(mode=0o700)
    password = partial / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if disguise.user is not None:
        for path in (partial, password):
            os.chown(path, disguise.user, disguise.user)
    command = [str(programs.folder / "initdb"), "-D", str(partial / "data"), "-U", SUPERUSER]
    command += ["-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", f"--locale={LOCALE}"]
    command += [] if sync else ["--no-sync"]
    run_to_end([*disguise.prefix, *command], user=disguise.user, what="initdb")


def _check_version(*, home: Path, programs: binaries.Postgres) -> None:
    version_file = home / "data" / "PG_VERSION"
    made_by = version_file.read_text().strip() if version_file.exists() else "an unknown version"
    if made_by != programs.major:
        raise CannotStartError(
            f"{home} was made by PostgreSQL {made_by}, but {programs.version} would serve it: "
            "move it away (pg_dump of the old version saves what is in it), or set "
            "DEVSTACK_SERVERS=system if that version is installed on this machine"
        )


def drop_stale_pid_file(*, home: Path) -> None:
    """Remove the pid file of a server that is gone: its pid may be another program's by now.

    Raises: CannotStartError when the server in question does run.
    """
    pid_file = home / "data" / "postmaster.pid"
    if not pid_file.exists() or not Path("/proc/self").exists():
        return
    pid = pid_file.read_text().partition("\n")[0]
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if os.fsencode(home) in Path("/proc", pid, "cmdline").read_bytes():
            raise CannotStartError(f"a PostgreSQL server already runs in {home}: kill -INT {pid}")
    pid_file.unlink()

"""PostgreSQL and Redis of one's own: they start, survive what they must, and leave nothing."""

import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from devstack import binaries, cluster, privileges
from devstack.binaries import PROJECT
from devstack.errors import CannotStartError
from devstack.postgres import Postgres
from devstack.servers import Servers


def test_both_servers_answer_on_the_loopback_interface(servers):
    with psycopg.connect(servers.env["DATABASE_URL"]) as connection:
        answer = connection.execute("SELECT current_setting('listen_addresses')").fetchone()

    assert answer == ("127.0.0.1",)
    assert redis.Redis.from_url(servers.env["EVENTBUS_REDIS_URL"]).config_get("bind") == {
        "bind": "127.0.0.1"
    }


def test_redis_refuses_rather_than_forgets(servers):
    client = redis.Redis.from_url(servers.env["REDIS_URL"])

    policy = client.config_get("maxmemory-policy")

    assert policy == {"maxmemory-policy": "noeviction"}


@pytest.mark.parametrize("crash", ["immediate", "kill"])
def test_a_commit_survives_the_death_of_postgresql(servers, crash):
    with psycopg.connect(servers.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    if crash == "immediate":
        servers.postgres.restart(mode="immediate")
    else:
        servers.postgres.kill()
        servers.postgres.start()

    with psycopg.connect(servers.postgres.url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_durable_redis_comes_back_with_its_data(tmp_path):
    with Servers(directory=tmp_path, throwaway=True, durable=True, own=True) as servers:
        client = redis.Redis.from_url(servers.redis.url)
        client.xadd("stream", {"a": "1"})

        servers.redis.restart()

        assert client.xlen("stream") == 1


def test_data_is_kept_unless_it_is_thrown_away(tmp_path):
    for _ in range(2):
        with Servers(directory=tmp_path, own=True) as servers:
            servers.postgres.execute("CREATE TABLE IF NOT EXISTS kept (n int)", database="booking")
            servers.postgres.execute("INSERT INTO kept VALUES (1)", database="booking")
            with psycopg.connect(servers.postgres.url) as connection:
                count = connection.execute("SELECT count(*) FROM kept").fetchone()

    with Servers(directory=tmp_path, throwaway=True, own=True):
        pass

    assert count == (2,)
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "redis").exists()


def test_a_directory_belongs_to_one_program_at_a_time(servers):
    with pytest.raises(CannotStartError, match="already runs servers"):
        Servers(directory=servers.directory, own=True).start()


def test_a_busy_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        servers = Servers(directory=tmp_path, own=True, ports={"postgres": busy})

        with pytest.raises(CannotStartError, match=f"port {busy}, wanted for PostgreSQL"):
            servers.start()


def test_data_of_another_major_version_is_left_alone(tmp_path):
    home = tmp_path / "postgres"
    (home / "data").mkdir(parents=True)
    (home / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(CannotStartError, match="was made by PostgreSQL 12"):
        Postgres(directory=tmp_path).start()

    assert (home / "data" / "PG_VERSION").read_text() == "12\n"


def test_a_stale_pid_file_with_the_pid_of_another_program_does_not_hinder(tmp_path):
    with Servers(directory=tmp_path, own=True):
        pass
    other = subprocess.Popen(["sleep", "60"])
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{other.pid}\n")

    with Servers(directory=tmp_path, own=True) as servers:
        running = servers.postgres.pid

    assert running != other.pid
    assert other.poll() is None
    other.kill()
    other.wait()


def test_initdb_that_fails_leaves_nothing(tmp_path):
    programs = binaries.Postgres(folder=tmp_path / "bin", version="18.4")
    programs.folder.mkdir()
    (programs.folder / "initdb").write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    (programs.folder / "initdb").chmod(0o755)

    with pytest.raises(CannotStartError, match="no room"):
        cluster.make_cluster(directory=tmp_path, programs=programs, fresh=False, sync=False)

    assert list(tmp_path.glob("postgres*")) == []


def test_root_without_user_namespaces_runs_postgresql_as_nobody(tmp_path, monkeypatch):
    if not _is_root() or not privileges.is_open_to_all(binaries.find_postgres().folder):
        pytest.skip("needs root, and programs that everybody may reach")
    monkeypatch.setattr(privileges, "_namespaces_work", lambda: False)

    with Servers(directory=tmp_path, throwaway=True, own=True) as servers:
        owner = Path(f"/proc/{servers.postgres.pid}").stat().st_uid
        home = servers.postgres._cluster.home

    assert pwd.getpwuid(owner).pw_name == "nobody"
    assert privileges.is_open_to_all(home)
    shutil.rmtree(home.parent, ignore_errors=True)


def test_an_ordinary_user_starts_both(tmp_path):
    python = _python_for_everybody()
    if not _is_root() or python is None:
        pytest.skip("needs root, and a Python that everybody may run")
    place = Path(cluster.tempfile.mkdtemp(prefix="travel-user-"))
    place.chmod(0o777)
    source = (
        "import sys, pathlib; from devstack.servers import Servers\n"
        "with Servers(directory=pathlib.Path(sys.argv[1]) / 'servers', throwaway=True) as s:\n"
        "    print(s.postgres.name, s.redis.name)"
    )

    done = subprocess.run(
        [python, "-B", "-c", source, place],
        env={
            "PYTHONPATH": f"{PROJECT}:{Path(pytest.__file__).parent.parent}",
            "PATH": "/usr/bin:/bin",
        },
        cwd=place,
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "PostgreSQL" in done.stdout
    shutil.rmtree(place)


def test_ctrl_c_during_initdb_leaves_nothing(tmp_path, script, until):
    child = script(
        "import sys, pathlib; from devstack import interrupts; from devstack.servers import Servers\n"
        "interrupts.stop_on_signals()\n"
        "Servers(directory=pathlib.Path(sys.argv[1])).start()",
        tmp_path,
    )
    until((tmp_path / "postgres.partial" / "data").exists)

    child.send_signal(signal.SIGINT)

    assert "KeyboardInterrupt" in child.communicate(timeout=15)[1]
    assert list(tmp_path.glob("postgres*")) == []


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


def _python_for_everybody() -> str | None:
    version = f"python3.{sys.version_info.minor}"
    candidates = (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}")
    real = [path for path in candidates if Path(path).exists()]
    return next((path for path in real if privileges.is_open_to_all(Path(path))), None)

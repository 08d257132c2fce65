"""The environment of a stack, and how the servers are found."""

import io
import socket
import stat

import pytest

from devstack import binaries, environment, ports, servers
from devstack.errors import CannotStartError
from devstack.follow import Follower
from tests.patience import until


def test_the_secret_key_is_private_and_stays(tmp_path):
    first = environment.secret_key(directory=tmp_path)

    second = environment.secret_key(directory=tmp_path)

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_another_terminal_finds_the_environment(tmp_path):
    (tmp_path / "run").mkdir()

    environment.write_note(directory=tmp_path, env={"DATABASE_URL": "postgres://x"})

    assert environment.read_note(directory=tmp_path)["DATABASE_URL"] == "postgres://x"


def test_the_sandbox_keeps_its_port_while_it_is_free(tmp_path):
    earlier = ports.free_port()
    (tmp_path / "run").mkdir()
    environment.write_note(directory=tmp_path, env={"SANDBOX_PORT": str(earlier)})

    noted = environment.earlier_port(directory=tmp_path, variable="SANDBOX_PORT")
    kept = ports.claim_port(port=None, owner="sandbox", variable="SANDBOX_PORT", earlier=noted)
    with socket.create_server(("127.0.0.1", earlier)):
        moved = ports.claim_port(port=None, owner="sandbox", variable="SANDBOX_PORT", earlier=noted)

    assert kept == earlier
    assert moved != earlier


def test_a_directory_without_a_run_has_no_earlier_port(tmp_path):
    assert environment.earlier_port(directory=tmp_path, variable="SANDBOX_PORT") is None


def test_servers_of_the_environment_are_used_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example/travel")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/4")
    monkeypatch.delenv("EVENTBUS_REDIS_URL", raising=False)

    with servers.Servers(directory=tmp_path) as found:
        env = found.env
        with pytest.raises(CannotStartError, match="unset REDIS_URL"):
            found.redis.kill()

    assert env == {
        "DATABASE_URL": "postgres://db.example/travel",
        "REDIS_URL": "redis://cache.example:6379/4",
        "EVENTBUS_REDIS_URL": "redis://cache.example:6379/1",
    }


def test_the_machines_redis_comes_first_on_request(tmp_path, monkeypatch):
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho Redis server v=7.9.9 sha=0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DEVSTACK_SERVERS", "system")

    found = binaries.find_redis()

    assert found == binaries.Redis(program=program, version="7.9.9")


def test_a_missing_redis_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "_in_wheel", lambda package, path: [])
    monkeypatch.setattr(binaries, "_BUILT_REDIS", tmp_path)

    with pytest.raises(CannotStartError, match=r"install Redis 6\.2 or newer, or set REDIS_URL"):
        binaries.find_redis()


def test_logs_are_followed_line_by_line_with_a_name(tmp_path):
    out = io.StringIO()
    follower = Follower(directory=tmp_path, out=out)
    follower.start()
    with (tmp_path / "relay.log").open("a") as log:
        log.write("one\ntw")
        log.flush()
        until(lambda: "one" in out.getvalue())
        log.write("o\n")

    follower.stop()

    assert [line.split("| ")[1] for line in out.getvalue().splitlines()] == ["one", "two"]

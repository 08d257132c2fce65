"""What bootstrap says before and after pip has run."""

import ast
import socket

import pytest

from devstack import bootstrap, installing, ports
from devstack.binaries import PROJECT
from devstack.errors import CannotStartError

BOOTSTRAP = ("bootstrap.py", "virtualenv.py", "installing.py", "redis_source.py", "errors.py")


def test_an_old_python_is_told_what_to_do():
    with pytest.raises(CannotStartError, match=r"Python 3\.11 or newer is needed, and .* is 3\.9"):
        bootstrap.check_python(version=(3, 9))


@pytest.mark.parametrize("name", BOOTSTRAP)
def test_an_old_python_can_read_the_bootstrap(name):
    source = (PROJECT / "devstack" / name).read_text()

    tree = ast.parse(source, feature_version=(3, 8))

    assert tree.body


def test_a_full_disk_is_seen_before_it_is_filled(tmp_path):
    with pytest.raises(CannotStartError, match="make room"):
        bootstrap.check_space(project=tmp_path, needed=10**18)


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        ("ERROR: No matching distribution found for x==1", "no file of that package was found"),
        ("NewConnectionError('...: [Errno 111]')", "check the network"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was locked"),
        ("something never seen", "pip's last lines follow"),
    ],
)
def test_what_pip_prints_becomes_advice(printed, advice):
    message = installing.explain(["Collecting x", printed], what=".venv")

    assert advice in message
    assert printed in message


def test_a_busy_port_is_named_with_the_variable_that_changes_it():
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]

        with pytest.raises(CannotStartError, match=rf"port {busy}, .* WEB_PORT=\d+"):
            ports.claim_port(port=busy, owner="web", variable="WEB_PORT")


def test_a_free_port_is_given_out_once():
    given = [ports.free_port() for _ in range(50)]

    assert len(set(given)) == len(given)


def test_bootstrap_imports_nothing_but_the_standard_library_and_itself():
    allowed = {"devstack", "__future__", *__import__("sys").stdlib_module_names}
    trees = [ast.parse((PROJECT / "devstack" / name).read_text()) for name in BOOTSTRAP]

    imported = {
        name.split(".")[0] for tree in trees for node in ast.walk(tree) for name in _names(node)
    }

    assert imported - allowed == set()


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []

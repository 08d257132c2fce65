"""The table of processes, and the files that repeat it."""

import re
import sys

import pytest
import yaml

from devstack import processes
from devstack.binaries import PROJECT

ENV = {"PORT": "8123", "SANDBOX_PORT": "8124", "SANDBOX_LEDGER": "l", "STRIPE_WEBHOOK_SECRET": "w"}


def test_the_procfile_says_what_the_supervisor_starts():
    written = (PROJECT / "Procfile").read_text()

    assert written == processes.procfile()


def test_compose_runs_the_same_commands():
    services = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
    by_command = [line for line in processes.PROCESSES if line.production and line.name != "web"]

    commands = {line.name: services[line.name]["command"].strip() for line in by_command}

    assert commands == {line.name: line.command for line in by_command}


def test_the_image_serves_the_web_like_the_table():
    command = next(line.command for line in processes.PROCESSES if line.name == "web")

    everywhere = command.replace("127.0.0.1", "0.0.0.0")

    assert everywhere in (PROJECT / "Dockerfile").read_text()


def test_a_command_is_run_by_this_python_with_variables_filled_in():
    web = next(line for line in processes.PROCESSES if line.name == "web")

    words = processes.arguments(web, env=ENV)

    assert words[:4] == [sys.executable, "-m", "gunicorn", "config.wsgi"]
    assert "127.0.0.1:8123" in words


def test_a_group_stands_for_its_processes():
    names = processes.chosen({"workers", "relay"})

    assert names == [
        "worker-reservation",
        "worker-provider",
        "worker-payment",
        "relay",
        "worker-crm",
    ]


def test_an_unknown_process_is_refused_by_name():
    with pytest.raises(ValueError, match="no such process: wroker"):
        processes.chosen({"wroker"})


def test_every_variable_of_the_settings_is_explained_in_the_example():
    settings = (PROJECT / "config" / "settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings))

    example = (PROJECT / ".env.example").read_text()
    explained = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, flags=re.MULTILINE))

    assert read
    assert read - explained == set()


def test_a_process_can_run_several_times_under_names_of_their_own():
    copies = processes.copies({"sweeper": 3, "relay": 2})

    assert [copy.name for copy in copies] == ["sweeper-2", "sweeper-3", "relay-2"]
    assert {copy.command for copy in copies[:2]} == {"python manage.py saga sweep"}


@pytest.mark.parametrize("name", ["web", "sandbox", "sweper"])
def test_what_owns_a_port_or_is_unknown_cannot_run_several_times(name):
    with pytest.raises(ValueError, match=name):
        processes.copies({name: 2})

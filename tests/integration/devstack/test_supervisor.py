"""Processes under supervision: ready, restarted, stopped in order, and never orphaned."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from devstack import leftovers
from devstack.process import NotReadyError, Process
from devstack.readiness import Answers, Says
from devstack.supervisor import Supervisor

SLEEP = [sys.executable, "-uc", "print('ready'); import time; time.sleep(600)"]
# It works in a child of its own, and on SIGTERM waits for the child to finish.
WITH_CHILD = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-uc", "import time; time.sleep(1); print('child finished')"])
def finish(*_):
    child.wait()
    print("leader finished", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
print("ready", flush=True)
signal.pause()
"""


def process(tmp_path, name="a", command=SLEEP, **options):
    return Process(name=name, command=command, directory=tmp_path, ready=Says("ready"), **options)


def test_start_returns_when_the_process_is_ready(tmp_path):
    server = Process(
        name="web",
        command=[sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "28731"],
        directory=tmp_path,
        ready=Answers(28731),
    )

    server.start()

    assert server.ready.holds(output="")
    server.stop()


def test_a_process_that_dies_at_start_shows_its_last_words(tmp_path):
    broken = process(tmp_path, command=[sys.executable, "-c", "raise SystemExit('no such table')"])

    with pytest.raises(NotReadyError, match=r"a ended with status 1(.|\n)*no such table"):
        broken.start()


def test_stopping_lets_children_finish_their_work(tmp_path):
    leader = process(tmp_path, command=[sys.executable, "-c", WITH_CHILD])
    leader.start()

    status = leader.stop()

    assert status == 0
    assert leader.output.split("\n")[1:3] == ["child finished", "leader finished"]


def test_what_does_not_stop_is_killed_after_its_grace(tmp_path):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); signal.pause()"
    stubborn = process(tmp_path, command=[sys.executable, "-uc", deaf], grace=0.2)
    stubborn.start()

    status = stubborn.stop()

    assert status == -signal.SIGKILL


def test_a_killed_process_stays_down_until_it_is_started(tmp_path):
    supervisor = Supervisor(report=lambda line: None, restart=True)
    supervisor.add(process(tmp_path))
    supervisor.start(["a"])
    supervisor.watch()
    first = supervisor.processes["a"].pid

    supervisor.processes["a"].kill()
    threading.Event().wait(1.0)  # longer than the first pause before a restart
    down = supervisor.processes["a"].running
    supervisor.processes["a"].start()

    assert not down
    assert supervisor.processes["a"].pid != first
    supervisor.stop()


def test_a_process_that_dies_by_itself_is_started_again(tmp_path, until):
    told: list[str] = []
    supervisor = Supervisor(report=told.append, restart=True)
    supervisor.add(process(tmp_path))
    supervisor.start(["a"])
    supervisor.watch()
    first = supervisor.processes["a"].pid

    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.processes["a"].running and supervisor.processes["a"].pid != first)

    assert "a ended with status -9, again in 0.5 s" in told[0]
    supervisor.stop()


def test_processes_stop_in_reverse_order(tmp_path):
    order = tmp_path / "order"
    say = (
        "import signal, sys; f = lambda *_: (open(sys.argv[1], 'a').write(sys.argv[2]), sys.exit(0));"
        "signal.signal(signal.SIGTERM, f); print('ready'); signal.pause()"
    )
    supervisor = Supervisor(report=lambda line: None, restart=False)
    for name in "abc":
        command = [sys.executable, "-uc", say, str(order), name]
        supervisor.add(process(tmp_path, name=name, command=command))
    supervisor.start("abc")

    supervisor.stop()

    assert order.read_text() == "cba"


def test_a_child_started_from_a_passing_thread_lives_on(tmp_path):
    child = process(tmp_path)
    starter = threading.Thread(target=child.start)
    starter.start()
    starter.join()

    threading.Event().wait(0.3)  # time for a death signal, were there one

    assert child.running
    child.stop()


def test_killing_the_supervisor_leaves_no_orphan(tmp_path, script, until, gone):
    child = script(
        "import sys, time, pathlib; from devstack.servers import Servers\n"
        "from devstack.process import Process\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "servers = Servers(directory=place).start()\n"
        "extra = Process(name='x', command=['sleep', '600'], directory=place)\n"
        "extra.start()\n"
        "print(servers.postgres.pid, servers.redis.pid, extra.pid)\n"
        "time.sleep(600)",
        tmp_path,
    )
    pids = [int(word) for word in child.stdout.readline().split()]

    child.kill()

    assert len(pids) == 3
    until(lambda: all(gone(pid) for pid in pids))


def test_leftovers_of_an_earlier_start_are_ended_and_nobody_else(tmp_path, gone):
    ours, other = (subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(2))
    for name, child in (("ours", ours), ("other", other)):
        leftovers.remember(directory=tmp_path, name=name, pid=child.pid, stop_signal=signal.SIGTERM)
    note = tmp_path / "other.json"
    note.write_text(note.read_text().replace('"started": "', '"started": "9'))  # an earlier life

    ended = leftovers.end_leftovers(directory=tmp_path)

    assert ended == ["ours"]
    assert gone(ours.pid)
    assert not gone(other.pid)
    other.kill()
    other.wait()
    ours.wait()

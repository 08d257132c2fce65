"""The sandbox as a process: starts, survives being killed, stops when told."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import httpx
import pytest

from sandbox import magic
from tests.unit.sandbox.caller import Partners

ROOT = pathlib.Path(__file__).parents[3]


def start(ledger_path, *options):
    command = [sys.executable, "-m", "sandbox", "--ledger", str(ledger_path), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, line.split()[3].rstrip(",")


def create(url, key="k1"):
    headers = {"Authorization": "Bearer sk_test_1", "Idempotency-Key": key}
    data = {"amount": "100", "currency": "eur", "capture_method": "manual"}
    answer = httpx.post(f"{url}/v1/payment_intents", data=data, headers=headers, trust_env=False)
    return answer.json()["id"]


def test_the_ledger_and_its_keys_survive_a_kill(ledger_path):
    process, url = start(ledger_path)
    before = create(url)
    process.send_signal(signal.SIGKILL)
    process.wait(5)

    process, url = start(ledger_path)
    after, other = create(url), create(url, "k2")
    process.terminate()

    assert process.wait(5) == 0
    assert before == after != other


def test_a_term_signal_stops_it_while_a_call_hangs(ledger_path):
    process, url = start(ledger_path)
    httpx.post(f"{url}/control/outage", json={"partner": "cards", "mode": "hang"}, trust_env=False)
    headers = {"Authorization": "Bearer sk_test_1"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/v1/payment_intents", headers=headers, timeout=0.3, trust_env=False)

    process.terminate()

    assert process.wait(5) == 0


def test_a_late_booking_lands_even_if_the_sandbox_was_killed_meanwhile(ledger_path):
    process, url = start(ledger_path, "--late", "1.5")
    caller = Partners(url)
    offer = caller.offer("skyways", "late-effect")
    caller.http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        caller.book(offer)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)

    process, url = start(ledger_path)
    caller = Partners(url)
    deadline = time.monotonic() + 10
    while not (orders := caller.ledger("r1")["orders"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    process.wait(5)

    assert [order["booked_count"] for order in orders] == [1]


def test_the_magic_table_is_printed():
    command = [sys.executable, "-m", "sandbox", "--magic"]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert printed.stdout == magic.markdown() + "\n"


def test_a_busy_port_is_said_and_nothing_is_started(ledger_path):
    process, url = start(ledger_path)
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--ledger", str(ledger_path), "--port", port]

    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    process.terminate()
    process.wait(5)

    assert second.returncode != 0
    assert f"Port {port} is in use" in second.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "1"], "--ledger is needed"),
        (["--ledger", "x", "--port", "70000"], "--port must be 0 to 65535"),
        (["--ledger", "x", "--hang", "-1"], "must not be negative"),
        (["--ledger", "/nowhere/at/all"], "cannot be used"),
    ],
)
def test_a_wrong_option_is_said_in_a_sentence(options, message):
    command = [sys.executable, "-m", "sandbox", *options]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ended.returncode, message in ended.stderr) == (2, True)

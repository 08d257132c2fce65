"""The door to other machines keeps its deadline whatever the server does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from outbound import http
from outbound.call import NotSent
from outbound.deadline import Deadline

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Server:
    """A server that does exactly what a test says with each connection."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.connections = 0
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except OSError:
                return  # the client has gone: what these tests are about


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[Server]:
    server = Server(serve)
    try:
        yield server
    finally:
        server.close()


def get(server: Server, *, seconds: float = 5.0) -> http.Answer:
    return http.send(method="GET", url=server.url, deadline=Deadline.within(seconds))


def drip(connection: socket.socket, data: bytes) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def answer_forever(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(HEAD + b"Content-Length: 8\r\n\r\n" + b'{"a": 1}')


def test_an_answer_is_read_and_its_connection_used_again() -> None:
    with serving(answer_forever) as server:
        first = get(server)
        second = get(server)

    assert first.status == 200
    assert second.decode(dict[str, int]) == {"a": 1}
    assert server.connections == 1


@pytest.mark.parametrize("dripped", ["headers", "body"])
def test_a_server_that_sends_a_byte_now_and_then_is_late_all_the_same(dripped: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        if dripped == "body":
            connection.sendall(HEAD + b"Content-Length: 400\r\n\r\n")
            drip(connection, b" " * 400)
        drip(connection, HEAD + b"X-Filler: " + b"x" * 400 + b"\r\n\r\n")

    started = time.monotonic()
    with serving(serve) as server, pytest.raises(http.DeadlineExceeded):
        get(server, seconds=2)

    assert time.monotonic() - started < 10


def test_a_silent_server_is_late() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.recv(65536)

    with serving(serve) as server, pytest.raises(http.DeadlineExceeded):
        get(server, seconds=2)


def test_a_connection_that_breaks_after_sending_is_not_called_unsent() -> None:
    with (
        serving(lambda connection: connection.recv(65536) and None) as server,
        pytest.raises(http.ConnectionBroken),
    ):
        get(server)


def test_nobody_listening_means_not_sent() -> None:
    with serving(answer_forever) as server:
        pass

    with pytest.raises(NotSent):
        get(server)


def test_a_deadline_that_has_passed_means_not_sent() -> None:
    with serving(answer_forever) as server:
        with pytest.raises(NotSent):
            get(server, seconds=-1)

        assert server.connections == 0


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with serving(serve) as server, pytest.raises(http.TooLarge):
        get(server)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")

    with serving(serve) as server:
        answer = get(server)

    assert (answer.status, server.connections) == (302, 1)


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a": "one"}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_of_another_form_is_unparsable(body: bytes) -> None:
    answer = http.Answer(status=200, headers={}, body=body)

    with pytest.raises(http.Unparsable):
        answer.decode(dict[str, int])


def test_threads_share_the_client_and_keep_their_own_deadlines() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        time.sleep(3)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    outcomes: dict[float, str] = {}

    def ask(seconds: float) -> None:
        try:
            outcomes[seconds] = str(get(server, seconds=seconds).status)
        except http.DeadlineExceeded:
            outcomes[seconds] = "late"

    with serving(serve) as server:
        threads = [threading.Thread(target=ask, args=(seconds,)) for seconds in (1.0, 30.0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert outcomes == {1.0: "late", 30.0: "200"}

"""A mail server on a free port that answers as its script says; just enough of RFC 5321."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Script:
    """What the server says to the next mails, one entry each, 250 when there is none left."""

    def __init__(self) -> None:
        self.replies: list[str] = []
        self.mails: list[str] = []
        self.port = 0


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        script: Script = self.server.script
        self._say("220 ready")
        reply = "250 taken"
        for raw in self.rfile:
            verb = raw.decode().strip().upper()
            if verb.startswith("RCPT"):
                reply = script.replies.pop(0) if script.replies else "250 taken"
                self._say(reply.removeprefix("rcpt ") if reply.startswith("rcpt ") else "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                mail = self._read_mail()
                if reply.startswith("250") or reply == "drop":
                    script.mails.append(mail)
                if reply == "drop":
                    return
                self._say(reply)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _read_mail(self) -> str:
        lines = []
        for raw in self.rfile:
            if raw.rstrip() == b".":
                break
            lines.append(raw.decode())
        return "".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    script: Script


@contextmanager
def running() -> Iterator[Script]:
    """Serve while the block runs."""
    script = Script()
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.script = script
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()

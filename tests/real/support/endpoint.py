"""An HTTP endpoint that misbehaves by script: real bytes on a real socket."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted response; `announced` is a Content-Length that may be longer than the body."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    announced: int | None = None
    delay: float = 0.0


@dataclass(slots=True)
class Endpoint:
    """An endpoint that gives its answers in order, the last one for ever; `calls` holds when each request came."""

    answers: list[Answer]
    calls: list[float] = field(default_factory=list)
    url: str = ""

    def next(self) -> Answer:
        self.calls.append(time.monotonic())
        return self.answers[min(len(self.calls), len(self.answers)) - 1]


@contextmanager
def endpoint(*answers: Answer) -> Iterator[Endpoint]:
    scripted = Endpoint(list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = scripted.next()
            stopped.wait(answer.delay)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if answer.announced is None else answer.announced))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.announced is not None

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    stopped = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield scripted
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()

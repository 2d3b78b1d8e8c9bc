import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`, by path, with ranges unless `server.ranges` is False.

    The first `server.n_cuts` answers end half-way through, although their header promises everything.
    """

    def do_GET(self):
        content, wanted = self.server.files.get(self.path), self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        if content is None:
            self.send_error(404)
            return
        start = int(wanted[len("bytes=") : -1]) if wanted and self.server.ranges else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.n_cuts:
            self.server.n_cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """Server on this machine: put bytes into `files` by path; `url` is its address, `requests` what it was asked."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests, server.ranges, server.n_cuts = {}, [], True, 0
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_url():
    """Address on this machine where nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def no_waiting(monkeypatch):
    """Retries follow one another at once; the list of the waits that were asked for."""
    waits = []
    monkeypatch.setattr("sklearn_metalabel.datasets._fetch.time.sleep", waits.append)
    return waits

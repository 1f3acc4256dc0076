"""A model hub on loopback, as far as `runner fetch` asks: the files of a repository, and files at plain addresses, both slowly and in parts.

It is `nnn_testkit::hub` without the faults, and slow: a file arrives in pieces with a pause after each, so that a kill hits a transfer.
"""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PIECE = 1 << 16
PAUSE = 0.01


class Hub:
    """A server at a free port of 127.0.0.1, until `close`. `resumed` counts the answers that were a part of a file."""

    def __init__(self):
        self.resources, self.resumed, self.requests = {}, 0, 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def put(self, path, body):
        """A file at a plain address, with an ETag."""
        self.resources[path] = (body, {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'})

    def publish(self, repo, name, body, storage=None):
        """A file of a repository as the hub has it, at `COMMIT` and at `main`: a large one is in a `storage`, another server."""
        headers = {"X-Repo-Commit": COMMIT}
        if storage:
            digest = hashlib.sha256(body).hexdigest()
            storage.put(f"/storage/{digest}", body)
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(body)), "Location": f"{storage.url}/storage/{digest}"}
        else:
            digest = hashlib.sha1(f"blob {len(body)}\0".encode() + body).hexdigest()
            headers["ETag"] = f'"{digest}"'
        for revision in (COMMIT, "main"):
            self.resources[f"/{repo}/resolve/{revision}/{name}"] = (body, headers)

    def _handler(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.answer(False)

            def do_GET(self):
                self.answer(True)

            def answer(self, with_body):
                hub.requests += 1
                body, headers = hub.resources.get(self.path.partition("?")[0], (None, {}))
                if body is None:
                    return self.send_error(404)
                status, first = self.part(body, headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
                rest = body[first:] if status in (200, 206) else b""
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                if with_body:
                    self.send_slowly(rest)

            def part(self, body, headers):
                """The status, and the first byte that is sent."""
                asked = self.headers.get("Range", "")
                if "Location" in headers:
                    return 302, 0
                if not asked or self.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
                    return 200, 0
                first = int(asked.removeprefix("bytes=").removesuffix("-"))
                if first >= len(body):
                    return 416, 0
                hub.resumed += 1
                return 206, first

            def send_slowly(self, body):
                try:
                    for first in range(0, len(body), PIECE):
                        self.wfile.write(body[first : first + PIECE])
                        time.sleep(PAUSE)
                except OSError:
                    # Whoever asked was killed.
                    pass

        return Handler

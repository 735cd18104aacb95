"""A server that wants a token, in front of one that does not: what the page sees of access control, whatever the server's."""

import http.client
import http.server
import threading
import urllib.parse

from .server import LiveServer


class Guard:
    """Forwards what carries the token, and refuses the rest below `/v1/` as RFC 6750 has it."""

    def __init__(self, server: LiveServer, token: str) -> None:
        target = urllib.parse.urlsplit(server.address)
        self.refused = 0
        guard = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/v1/") and self.headers.get("Authorization") != f"Bearer {token}":
                    guard.refused += 1
                    return self.answer(401, {"Content-Type": "application/problem+json", "WWW-Authenticate": "Bearer"}, (
                        b'{"type": "/problems/unauthorized", "title": "An access token is needed", "status": 401,'
                        b' "detail": "the request carries no token that is known here", "hint": "ask whoever runs this server"}'))
                connection = http.client.HTTPConnection(target.hostname, target.port)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                content = response.read()
                self.answer(response.status, dict(response.getheaders()), content)
                connection.close()

            def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                if status not in (204, 304):
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = forward

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

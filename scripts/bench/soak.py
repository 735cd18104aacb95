"""Requests of all kinds for a while: good, bad, and broken off in the middle. Fails if, after warming up, memory or descriptors grow,
or if a 5xx comes that is not 503.
"""

import argparse
import collections
import http.client
import json
import random
import socket
import sys
import threading
import time

from pictures import png
from serving import Serving

PICTURE = png(96, 80, 1, level=6)


def form(parts: list[tuple[str, bytes]]) -> tuple[bytes, dict]:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.png"\r\n\r\n%s\r\n' % (name.encode(), data)
        for name, data in parts)
    return body + b"--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


class Soak:
    def __init__(self, server: Serving, seconds: float):
        self.server, self.end = server, time.monotonic() + seconds
        self.statuses, self.lock = collections.Counter(), threading.Lock()

    def count(self, status):
        with self.lock:
            self.statuses[status] += 1

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
            self.count(answer.status)
            return answer.status, data
        except (OSError, http.client.HTTPException):
            self.count("closed")  # a server may answer and close before it has read all of a bad request
            return None, b""
        finally:
            connection.close()

    def segment(self, chance: random.Random):
        prompts = json.dumps({"points": [{"x": chance.randrange(96), "y": chance.randrange(80), "label": 1}]})
        self.ask("POST", "/v1/segment", *form([("image", PICTURE), ("prompts", prompts.encode())]))

    def image(self, chance: random.Random):
        status, data = self.ask(
            "POST", "/v1/images", png(64, 48, chance.randrange(1_000), 6), {"Content-Type": "image/png"})
        if status in (200, 201):
            name = json.loads(data)["id"]
            self.ask("GET", f"/v1/images/{name}", headers={"Range": "bytes=0-99"})
            self.ask("DELETE", f"/v1/images/{name}")

    def read(self, chance: random.Random):
        path = chance.choice(["/healthz", "/readyz", "/v1/tasks", "/v1/models", "/metrics", "/", "/openapi.yaml"])
        self.ask("GET", path, headers={"Accept-Encoding": "gzip"})

    def wrong(self, chance: random.Random):
        kind = chance.randrange(4)
        if kind == 0:
            self.ask("GET", "/v1/tasks/nothing")
        elif kind == 1:
            self.ask("POST", "/v1/segment", *form([("image", chance.randbytes(200)), ("prompts", b"{")]))
        elif kind == 2:
            self.ask("PATCH", "/v1/tasks", chance.randbytes(1_000))
        else:
            self.raw(chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n")

    def broken_off(self, chance: random.Random):
        body, headers = form([("image", PICTURE), ("prompts", b"{}")])
        head = "POST /v1/segment HTTP/1.1\r\nHost: localhost\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()) + f"Content-Length: {len(body)}\r\n\r\n"
        whole = head.encode() + body
        self.raw(whole[:chance.randrange(1, len(whole))])

    def raw(self, data: bytes):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as client:
            client.sendall(data)
        self.count("raw")

    def work(self, seed: int):
        chance = random.Random(seed)
        kinds = [self.segment, self.image, self.read, self.read, self.wrong, self.broken_off]
        while time.monotonic() < self.end:
            try:
                chance.choice(kinds)(chance)
            except OSError:
                self.count("closed")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gmiseg", default=".build/release/gmiseg")
    options.add_argument("--seconds", type=float, default=600)
    arguments = options.parse_args()
    # Small, so that it is full, and no longer grows, once warmed up.
    with Serving(arguments.gmiseg, "--cache-mb", "32", "--threads", "2") as server:
        soak = Soak(server, arguments.seconds)
        threads = [threading.Thread(target=soak.work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        samples = []
        while time.monotonic() < soak.end:
            time.sleep(arguments.seconds / 60)
            samples.append((server.status("VmRSS"), server.descriptors()))
        for thread in threads:
            thread.join()
        time.sleep(3)
        settled = server.descriptors()
        alive = server.process.poll() is None
    third = len(samples) // 3
    middle, last = samples[third:2 * third], samples[2 * third:]
    memory = [max(rss for rss, _ in part) for part in (middle, last)]
    errors = sum(count for status, count in soak.statuses.items() if isinstance(status, int) and status >= 500 and status != 503)
    growth = memory[1] / memory[0] - 1
    print(json.dumps({
        "bench": "soak", "seconds": arguments.seconds, "requests": sum(soak.statuses.values()),
        "statuses": {str(key): value for key, value in sorted(soak.statuses.items(), key=str)}, "errors": errors,
        "rss_middle": memory[0], "rss_last": memory[1], "growth": growth, "descriptors_after": settled}))
    # Allocators breathe: a leak of one request in a hundred would be far above this after ten minutes.
    return 0 if alive and errors == 0 and growth < 0.05 and settled < 64 else 1


if __name__ == "__main__":
    sys.exit(main())

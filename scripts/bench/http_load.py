"""How the server bears load: rate and latency plain and under TLS, idle and slow clients, uploads. One JSON line each.

Needs wrk. All on one machine, clients included: rates are of both together. In the same rounds, so that a rate can be told from the
machine's, are measured: the ceiling, a C program that reads and sends constant bytes and does nothing else (needs cc); nginx, where it is
found; with --hummingbird, Hummingbird, which is built first. All answer the same body.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import json
import multiprocessing
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from pictures import png
from serving import ROOT, Serving


def say(what: str, **figures):
    print(json.dumps({"bench": what, **figures}), flush=True)


def wrk(address: str, seconds: int) -> dict:
    text = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", f"{address}/healthz"], capture_output=True, text=True,
        check=True).stdout
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p99_ms": float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit],
        "failed": sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text))),
    }


class Announced:
    """A program that prints its port, and answers what it is told to."""

    def __init__(self, program: pathlib.Path, answer: str):
        self.program, self.answer = program, answer

    def __enter__(self) -> "Announced":
        self.process = subprocess.Popen([self.program, self.answer], stdout=subprocess.PIPE, text=True)
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def ceiling(folder: str) -> pathlib.Path:
    """What this machine gives a server of one thread that does nothing, built here."""
    program = pathlib.Path(folder, "http_ceiling")
    subprocess.run(["cc", "-O2", ROOT / "scripts/bench/http_ceiling.c", "-o", program], check=True)
    return program


def hummingbird() -> pathlib.Path:
    """Hummingbird, the Swift framework on SwiftNIO: a package of its own, built here in release mode."""
    package = ROOT / "scripts/bench/hummingbird-peer"
    subprocess.run(["swift", "build", "-c", "release"], cwd=package, check=True, stdout=sys.stderr)
    return package / ".build/release/hummingbird-peer"


class Nginx:
    """nginx answering what `/healthz` answers."""

    CONFIGURATION = """
        daemon off; pid {folder}/pid; error_log stderr crit; worker_processes auto;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; keepalive_requests 100000000;
            client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
            uwsgi_temp_path {folder}; scgi_temp_path {folder};
            server {{
                listen 127.0.0.1:{port};
                location = /healthz {{ default_type application/json; return 200 '{answer}'; }}
            }}
        }}"""

    def __init__(self, program: str, answer: str):
        self.program, self.answer = program, answer

    def __enter__(self) -> "Nginx":
        self.folder = tempfile.TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        file = pathlib.Path(self.folder.name, "nginx.conf")
        file.write_text(self.CONFIGURATION.format(folder=self.folder.name, port=port, answer=self.answer))
        self.process = subprocess.Popen([self.program, "-p", self.folder.name, "-c", str(file)])
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def body(address: str) -> str:
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        return answer.read().decode()


def rates(program: str, nginx: str | None, peers: dict[str, pathlib.Path], seconds: int):
    """Interleaved, so that all have the same share of a busy machine; of each the best of three."""
    fixtures = ROOT / "Tests/Fixtures/tls"
    tls = ["--tls-cert", str(fixtures / "server.pem"), "--tls-key", str(fixtures / "server-key.pem")]
    with contextlib.ExitStack() as stack:
        servers = {
            "healthz": stack.enter_context(Serving(program)),
            "healthz-tls": stack.enter_context(Serving(program, *tls)),
        }
        answer = body(servers["healthz"].address)
        if nginx:
            servers["healthz-nginx"] = stack.enter_context(Nginx(nginx, answer))
        for name, peer in peers.items():
            servers[name] = stack.enter_context(Announced(peer, answer))
        for name in servers.keys() - {"healthz", "healthz-tls"}:
            assert body(servers[name].address) == answer, name
        rounds = [{name: wrk(server.address, seconds) for name, server in servers.items()} for _ in range(3)]
    plain = max(one["healthz"]["per_second"] for one in rounds)
    for name in servers:
        best = max((one[name] for one in rounds), key=lambda figures: figures["per_second"])
        say(name, **best, of_plain=best["per_second"] / plain)


def connect(server: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def idle(program: str, count: int = 1_000):
    with Serving(program) as server:
        def ask(client: socket.socket):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(4_096)
        with connect(server) as first:
            ask(first)
        before = server.status("VmRSS")
        clients = [connect(server) for _ in range(count)]
        for client in clients:
            ask(client)
        say("idle", connections=count, bytes=server.status("VmRSS") - before)
        for client in clients:
            client.close()


def slow(program: str, count: int = 2_000, seconds: int = 10):
    with Serving(program) as server:
        clients = [connect(server) for _ in range(count)]
        over = multiprocessing.Event()

        def dribble():
            head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000
            for byte in head:
                for client in clients:
                    if over.is_set():
                        return
                    try:
                        client.send(bytes([byte]))
                    except OSError:
                        pass
                time.sleep(0.5)

        # A process, as the one that measures must not wait for this one's turn of the interpreter.
        dribbling = multiprocessing.Process(target=dribble)
        dribbling.start()
        worst, end = 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            worst = max(worst, time.monotonic() - start)
            connection.close()
            time.sleep(0.05)
        over.set()
        dribbling.join()
        say("slow-clients", clients=count, worst_healthz_ms=worst * 1e3)
        for client in clients:
            client.close()


def uploads(program: str, count: int = 200, connections: int = 32):
    with Serving(program) as server:
        before = server.status("VmRSS")

        def upload(seed: int) -> str:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
            connection.request("POST", "/v1/images", png(3_200, 3_200, seed), {"Content-Type": "image/png"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            connection.close()
            assert answer.status == 201, body
            return body["id"]

        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            ids = set(pool.map(upload, range(count)))
        say("uploads", count=count, kept=len(ids), seconds=time.monotonic() - start, rss_before=before,
            peak=server.status("VmHWM"))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gmiseg", default=".build/release/gmiseg")
    options.add_argument("--nginx", default=shutil.which("nginx"), help="to measure beside it, where it is there")
    options.add_argument("--hummingbird", action="store_true", help="to build and measure Hummingbird beside it")
    options.add_argument("--seconds", type=int, default=5)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peers = {}
        if shutil.which("cc"):
            peers["ceiling"] = ceiling(folder)
        if arguments.hummingbird:
            peers["healthz-hummingbird"] = hummingbird()
        rates(arguments.gmiseg, arguments.nginx, peers, arguments.seconds)
    idle(arguments.gmiseg)
    slow(arguments.gmiseg)
    uploads(arguments.gmiseg)


if __name__ == "__main__":
    main()

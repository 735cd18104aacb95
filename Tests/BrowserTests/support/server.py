"""A `gmiseg serve` of the test's own: a free port, a fresh data folder, both gone at the end."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("GMISEG", ROOT / ".build/release/gmiseg"))
EXAMPLES = ROOT / "examples"


class LiveServer:
    def __init__(self, *options: str) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gmiseg-browser-"))
        ready = self.folder / "ready"
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--data", self.folder / "data", "--ready-file", ready, *options],
            stdout=self.log, stderr=self.log, cwd=ROOT,
        )
        while not (ready.exists() and ready.read_text().strip()):
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)
        self.address = ready.read_text().split()[0]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)

    def get(self, path: str) -> dict:
        return self._send(urllib.request.Request(self.address + path))

    def status(self, path: str) -> int:
        """What the server answers to somebody without a token."""
        try:
            return urllib.request.urlopen(self.address + path).status
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def post(self, path: str, parts: list[tuple[str, str | pathlib.Path]]) -> dict:
        """Sends a form; a path is sent as a file."""
        boundary = uuid.uuid4().hex
        body = b""
        for name, value in parts:
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
            if isinstance(value, pathlib.Path):
                body += f'; filename="{value.name}"\r\n\r\n'.encode() + value.read_bytes()
            else:
                body += b"\r\n\r\n" + value.encode()
            body += b"\r\n"
        request = urllib.request.Request(
            self.address + path, data=body + f"--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> dict:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def adapted_task(self, count: int = 3, steps: int = 12, **adaptation: object) -> dict:
        """A task made of `count` phantoms, its job waited for."""
        settings = {"name": "Left ventricle", "labels": ["left ventricular cavity"], "spacing_mm": [1.4, 1.4]}
        return self.task(settings, [(image, mask_of(image)) for image in support(count)], steps=steps, seed=1, **adaptation)

    def task(self, settings: dict, pairs: list[tuple[pathlib.Path, pathlib.Path]], **adaptation: object) -> dict:
        """A task of these images and masks, its job waited for. `budget_seconds=1` leaves it with the first recipe."""
        # These tests are of the page, not of whether so few steps on so few images pass the gate.
        settings = {**settings, "adaptation": {"gate_margin": -1, **adaptation}}
        return self.post("/v1/tasks?wait=300", [("task", json.dumps(settings)), *files(pairs)])["task"]

    def more_support(self, task: dict, pairs: list[tuple[pathlib.Path, pathlib.Path]]) -> dict:
        """The task with one version more."""
        return self.post(f"/v1/tasks/{task['id']}/support?wait=300", files(pairs))["task"]

    def serve_version(self, task: dict, version: int) -> None:
        request = urllib.request.Request(
            f"{self.address}/v1/tasks/{task['id']}/served_version", data=json.dumps({"version": version}).encode(), method="PUT",
            headers={"Content-Type": "application/json"})
        self._send(request)

    def token(self, owner: str, scope: str) -> str:
        """A token as whoever runs a server makes one: by the command line, in its data folder."""
        command = [BINARY, "token", "create", "--data", self.folder / "data", "--owner", owner, "--scope", scope]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def files(pairs: list[tuple[pathlib.Path, pathlib.Path]]) -> list[tuple[str, str | pathlib.Path]]:
    """Images and masks as parts of a form."""
    return [part for image, mask in pairs for part in (("image", image), ("mask", mask))]


def support(count: int) -> list[pathlib.Path]:
    return sorted((EXAMPLES / "cardiac/support/images").glob("*.png"))[:count]


def queries(count: int = 4) -> list[pathlib.Path]:
    return sorted((EXAMPLES / "cardiac/queries/images").glob("*.png"))[:count]


def mask_of(image: pathlib.Path) -> pathlib.Path:
    return image.parents[1] / "masks" / image.name

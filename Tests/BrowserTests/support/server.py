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

    def get(self, path: str, token: str | None = None) -> dict:
        return self._send(urllib.request.Request(self.address + path), token)

    def post(self, path: str, parts: list[tuple[str, str | pathlib.Path]], token: str | None = None) -> dict:
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
        return self._send(request, token)

    def _send(self, request: urllib.request.Request, token: str | None) -> dict:
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def adapted_task(self, name: str = "Left ventricle", count: int = 3, steps: int = 12, token: str | None = None) -> dict:
        """A task made of `count` phantoms, its job waited for."""
        settings: dict = {
            "name": name, "labels": ["left ventricular cavity"], "spacing_mm": [1.4, 1.4],
            "adaptation": {"steps": steps, "seed": 1},
        }
        # These tests are of the page, not of whether so few steps on so few images pass the gate.
        if "gate_margin:" in urllib.request.urlopen(self.address + "/openapi.yaml").read().decode():
            settings["adaptation"]["gate_margin"] = -1
        parts: list[tuple[str, str | pathlib.Path]] = [("task", json.dumps(settings))]
        for image in support(count):
            parts += [("image", image), ("mask", mask_of(image))]
        return self.post("/v1/tasks?wait=300", parts, token)["task"]


def support(count: int) -> list[pathlib.Path]:
    return sorted((EXAMPLES / "cardiac/support/images").glob("*.png"))[:count]


def queries(count: int = 4) -> list[pathlib.Path]:
    return sorted((EXAMPLES / "cardiac/queries/images").glob("*.png"))[:count]


def mask_of(image: pathlib.Path) -> pathlib.Path:
    return image.parents[1] / "masks" / image.name

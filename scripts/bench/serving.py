"""A server of one's own, on a free port and in a folder of its own, for the measurements beside this file."""

import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Serving:
    """`with Serving(program, *options) as server:`; gone with its data afterwards."""

    def __init__(self, program: str, *options: str):
        self.program, self.options = program, options

    def __enter__(self) -> "Serving":
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [self.program, "serve", "--listen", "127.0.0.1:0", "--data", self.folder.name, "--log-level", "error",
             *self.options],
            stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.address = self.process.stdout.readline().split()[-1]
        self.port = int(self.address.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def status(self, key: str) -> int:
        """A figure of /proc/PID/status in bytes: VmRSS, VmHWM."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024

    def descriptors(self) -> int:
        return sum(1 for _ in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir())

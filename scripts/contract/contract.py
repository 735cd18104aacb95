"""Runs schemathesis against a server of its own: every operation of openapi.yaml, with what the contract allows and what it does not.

Twice: with made-up names, most of which are of nothing, and with the names of a task, a job and an image that are there. Fails on a
server error, on a status, type, header or body that the contract does not name, and on a method or name that it does not end.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))
from pictures import disc  # noqa: E402
from serving import ROOT, Serving  # noqa: E402

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "use_after_free",
]


def post(address: str, parts: list[tuple[str, str | None, bytes]]) -> dict:
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b"" if file is None else b'; filename="%s"' % file.encode(), data)
        for name, file, data in parts) + b"--b--\r\n"
    request = urllib.request.Request(address, body, {"Content-Type": "multipart/form-data; boundary=b"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def known(address: str) -> dict:
    """A task that has an adapter, its job, an image, and the receipt of an answer about it."""
    settings = {"name": "contract", "adapter": {"kind": "decoder"}, "adaptation": {"steps": 2, "budget_seconds": 1, "gate_margin": -1}}
    parts = [("task", None, json.dumps(settings).encode())]
    for seed in range(3):
        parts += [(part, f"case{seed}.png", disc(64, 48, seed, part == "mask")) for part in ("image", "mask")]
    created = post(f"{address}/v1/tasks?wait=60", parts)
    assert created["job"]["state"] == "succeeded", created["job"]
    image = post(f"{address}/v1/images", [("image", "a.png", disc(64, 48, 9, False))])
    answer = post(f"{address}/v1/segment", [("image_id", None, image["id"].encode()), ("prompts", None, b"{}")])
    return {
        "task": created["task"]["id"], "job": created["job"]["id"], "image": image["id"], "stem": "case0",
        "receipt": answer["receipt"],
    }


def schemathesis(server: Serving, examples: int, names: dict, *options: str) -> int:
    environment = {
        **os.environ, "CONTRACT_KNOWN": json.dumps(names), "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent / "bench")]), "PYTHONDONTWRITEBYTECODE": "1",
    }
    with tempfile.TemporaryDirectory() as folder:  # what it leaves for a next run is of no use: the seed is fixed
        return subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", str(ROOT / "openapi.yaml"), "--url", server.address,
             "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", "1", "--request-timeout", "60",
             "--warnings", "off", *options],
            check=False, cwd=folder, env=environment).returncode


def unreached(address: str) -> list[str]:
    """Operations that never answered well, by the server's own count: what they say when they do was not looked at."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    well = set(re.findall(r'requests_total\{method="(\w+)",route="([^"]+)",status="2\d\d"\}', text))
    contract = (ROOT / "openapi.yaml").read_text()
    paths = contract[contract.index("\npaths:\n"):contract.index("\ncomponents:\n")]
    operations = [
        (method.upper(), path) for path, methods in re.findall(r"^  (/[^:]*):\n((?:    .*\n|\n)*)", paths, re.MULTILINE)
        for method in re.findall(r"^    (get|post|put|delete):", methods, re.MULTILINE)]
    assert len(operations) > 20
    return [f"{method} {path}" for method, path in operations if (method, path) not in well]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gmiseg", default=".build/release/gmiseg")
    options.add_argument("--examples", type=int, default=20, help="requests for each operation and phase")
    arguments = options.parse_args()
    with Serving(str(pathlib.Path(arguments.gmiseg).resolve())) as server:
        failed = schemathesis(server, arguments.examples, {}, "--exclude-operation-id", "followJob")
        failed |= schemathesis(server, arguments.examples, known(server.address))
        # What removes things is given made-up names.
        missed = [operation for operation in unreached(server.address) if not operation.startswith("DELETE ")]
        if missed:
            print("never answered well:", *missed, file=sys.stderr, sep="\n  ")
            failed = 1
        if server.process.poll() is not None:
            print("the server has ended", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())

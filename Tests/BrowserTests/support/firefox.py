"""A headless Firefox without a driver: it speaks WebDriver BiDi (W3C) over a web socket by itself."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import websocket

BINARY = shutil.which("firefox-esr") or shutil.which("firefox")
# What a fresh profile would ask the network for by itself.
PREFERENCES = """
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#");
user_pref("toolkit.telemetry.enabled", false);
"""


class Firefox:
    """One browser with one page. Errors of the page's console and the addresses that it asks for are kept."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.count = 0
        self.socket = None
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="gmiseg-firefox-"))
        (self.profile / "user.js").write_text(PREFERENCES)
        self.process = subprocess.Popen(
            [BINARY, "--headless", "--no-remote", "--profile", self.profile, "--remote-debugging-port", "0", "--width", "1320", "--height", "900"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.socket = websocket.create_connection(f"{self._address()}/session", timeout=patience, suppress_origin=True)
            self.send("session.new", {"capabilities": {}})
            self.send("session.subscribe", {"events": ["log.entryAdded", "network.beforeRequestSent"]})
            self.context = self.send("browsingContext.getTree", {})["contexts"][0]["context"]
        except BaseException:
            self.stop()
            raise

    def _address(self) -> str:
        """Where it listens: it writes that into its profile."""
        place = self.profile / "WebDriverBiDiServer.json"
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline and self.process.poll() is None:
            if place.exists() and place.read_text().strip().endswith("}"):
                found = json.loads(place.read_text())
                return f"ws://{found['ws_host']}:{found['ws_port']}"
            time.sleep(0.05)
        raise RuntimeError("Firefox did not begin to listen")

    def stop(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method: str, parameters: dict) -> dict:
        """A command's result; what the browser tells meanwhile is kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
                return message["result"]
            self._keep(message)

    def _keep(self, event: dict) -> None:
        about = event.get("params", {})
        if event.get("method") == "log.entryAdded" and about["level"] in ("error", "warn"):
            self.errors.append(about["text"])
        # The browser's own requests belong to no page.
        if event.get("method") == "network.beforeRequestSent" and about["context"] is not None:
            self.requests.append(about["request"]["url"])

    # Going about

    def visit(self, url: str) -> None:
        self.send("browsingContext.navigate", {"context": self.context, "url": url, "wait": "complete"})

    def evaluate(self, expression: str) -> object:
        """The value of an expression that is text, number, truth or null; a node as a reference to it."""
        result = self.send("script.evaluate", {"expression": expression, "target": {"context": self.context}, "awaitPromise": True})
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        value = result["result"]
        return {"sharedId": value["sharedId"]} if value["type"] == "node" else value.get("value")

    def until(self, expression: str) -> object:
        """Waits until `expression` is true."""
        deadline = time.monotonic() + self.patience
        while not (value := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(expression)
            time.sleep(0.05)
        return value

    def choose_file(self, chooser: str, path: pathlib.Path) -> None:
        """Gives a file to the chooser whose button is called so."""
        element = self.evaluate(f"document.querySelector(`input[type=file][aria-label='{chooser}']`)")
        self.send("input.setFiles", {"context": self.context, "element": element, "files": [str(path)]})

    def click(self, x: int, y: int) -> None:
        """A click of the left button there in the window."""
        self.send("input.performActions", {"context": self.context, "actions": [{
            "type": "pointer", "id": "mouse", "actions": [
                {"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]}]})

    def screenshot(self) -> str:
        """The window as a PNG in base64."""
        return self.send("browsingContext.captureScreenshot", {"context": self.context})["data"]

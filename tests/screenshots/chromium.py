"""Headless Chromium over its debugging pipe: open a page with a cookie, take its picture."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    """One browser with an empty profile; leaving the context ends it."""

    def __init__(self, path: str) -> None:
        self._profile = tempfile.mkdtemp(prefix="pitboss-chromium-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
        profile = f"--user-data-dir={self._profile}"
        wrapped = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$@"'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", wrapped, "chromium", path, *_FLAGS, profile],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._ids = itertools.count(1)
        self._session = ""

    def __enter__(self) -> Self:
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        self._call("Page.enable", {})
        self._call("Network.enable", {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        shutil.rmtree(self._profile, ignore_errors=True)

    def sign_in(self, url: str, cookies: dict[str, str]) -> None:
        self._call("Network.clearBrowserCookies", {})
        for name, value in cookies.items():
            self._call("Network.setCookie", {"url": url, "name": name, "value": value})

    def picture(self, url: str, file: Path, *, width: int = 1440, height: int = 900) -> None:
        """Open ``url`` and write what a person sees of it to ``file``, as PNG."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size)
        self._call("Page.navigate", {"url": url})
        self._until("Page.loadEventFired")
        waiting = "new Promise(done => setTimeout(done, 700))"
        self._call("Runtime.evaluate", {"expression": waiting, "awaitPromise": True})
        shot = self._call("Page.captureScreenshot", {"format": "png"})
        file.write_bytes(base64.b64decode(shot["data"]))

    def text(self) -> str:
        """Return the text of the open page."""
        return str(self.value("document.body.innerText") or "")

    def first_link(self, selector: str) -> str | None:
        """Return where the first link that matches leads, or None."""
        return (
            str(self.value(f"document.querySelector({json.dumps(selector)})?.href ?? ''")) or None
        )

    def value(self, expression: str) -> Any:
        """Return what an expression is on the open page."""
        return self._call("Runtime.evaluate", {"expression": expression})["result"].get("value")

    def type_in(self, text: str) -> None:
        """Type into whatever has the focus."""
        self._call("Input.insertText", {"text": text})

    def cut_off(self, *, is_offline: bool) -> None:
        """Take the page's network away, or give it back."""
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self._call("Network.emulateNetworkConditions", {"offline": is_offline, **network})

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer.get("result", {})
                return result

    def _until(self, event: str) -> None:
        while self._read().get("method") != event:
            pass

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium ended")
            self._buffer += chunk
        raw, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        return message

"""A real server and a real browser: `streamlit run dashboard/app.py` from the root, seen with Debian's Chromium."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
ARTEFACTS = ROOT / "artefacts" / "journeys"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 120_000  # milliseconds; a test machine may be busy
TINY_LESSONS = {
    "stream": {"tasks": 3, "train_per_class": 60},
    "network": {"width": 8},
    "learn": {"epochs_first": 2},
    "invert": {"images_per_class": 6},
}
expect.set_options(timeout=PATIENCE)


@contextlib.contextmanager
def serving(store: Path, beside: Path | None = None) -> Iterator[str]:
    """A server of its own on a free port; gives its address. beside: a folder of modules that it finds first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"INVERSION_LAB_STORE": str(store)}
    if beside is not None:
        environment["PYTHONPATH"] = f"{beside}{os.pathsep}{ROOT}"
    store.mkdir(parents=True, exist_ok=True)
    with (store / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, store / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(address, timeout=1)
            return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < limit, f"the server did not answer: {log.read_text()}"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, driven by Playwright; without it these tests are skipped, except in CI."""
    path = shutil.which("chromium")
    if path is None and not os.environ.get("CI"):
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        driven = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield driven
        driven.close()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server for all keeps its steps."""
    return tmp_path_factory.mktemp("journeys") / "store"


@pytest.fixture(scope="session")
def address(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all that need no other: it imports torch and compiles UMAP once. Its lessons run on next to

    nothing.
    """
    folder = tmp_path_factory.mktemp("smaller")
    smaller = (
        f"import json\nfrom dashboard.lessons import lesson\nlesson.STREAM = json.loads({json.dumps(TINY_LESSONS)!r})\n"
    )
    (folder / "sitecustomize.py").write_text(smaller, encoding="utf-8")
    with serving(store, folder) as where:
        yield where


@contextlib.contextmanager
def looking(browser: Browser, theme: str = "light", width: int = 1400, height: int = 900) -> Iterator[Page]:
    """A fresh page that must end without an error on its console."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
    page, errors = context.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with looking(browser) as fresh:
        yield fresh

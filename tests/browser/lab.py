"""A real JupyterLab and a real Chromium, for the browser tests and for the benchmark of live figures."""

from __future__ import annotations

import functools
import http.server
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import v4

REPOSITORY = Path(__file__).parents[2]
CHROMIUM_ARGS = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", "--disable-default-apps", "--no-first-run", "--mute-audio"]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
NO_CHROMIUM = ("No Chromium found: install one (Debian: apt-get install chromium; anywhere: playwright install chromium), "
               "or name yours: CHROMIUM=/path/to/chrome.")


class NoChromium(RuntimeError):
    pass


def found(kind) -> str:
    """The path of a Chromium: the one named by CHROMIUM, the system's, or that of playwright's browser type."""
    named = [os.environ.get("CHROMIUM")] if os.environ.get("CHROMIUM") else [
        shutil.which("chromium"), shutil.which("chromium-browser"), shutil.which("google-chrome"),
        kind.executable_path]
    path = next((path for path in named if path and Path(path).exists()), None)
    if path is None:
        raise NoChromium(NO_CHROMIUM)
    return path


@contextmanager
def chromium(playwright):
    """A headless browser."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    browser = playwright.chromium.launch(executable_path=found(playwright.chromium),
                                         args=CHROMIUM_ARGS + ["--no-sandbox"] * root)
    try:
        yield browser
    finally:
        browser.close()


class Lab:
    """A running server. url: with its token; directory: where its notebooks lie."""

    def __init__(self, url: str, token: str, directory: Path):
        self.url, self.token, self.directory = url, token, directory

    def open(self, page, name: str) -> None:
        """Open a notebook and wait until its kernel is idle."""
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        page.locator(".jp-Notebook").wait_for(timeout=60_000)
        page.wait_for_function("""() => {
            const context = window.jupyterapp.shell.currentWidget?.sessionContext;
            return context?.isReady && context.session?.kernel?.status === 'idle';
        }""", timeout=60_000)
        execute(page, "application:toggle-left-area")

    def write(self, name: str, *sources: str) -> str:
        """Write a notebook of code cells into the server's directory and return its name."""
        notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.directory / name)
        return name


@contextmanager
def jupyterlab(directory: Path, scratch: Path):
    """A JupyterLab over `directory` that leaves the user's own settings alone; its log is in scratch/server.log."""
    directory, scratch = Path(directory), Path(scratch)
    for plugin, settings in SETTINGS.items():
        path = scratch / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    folders = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
               "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
               "MPLCONFIGDIR": "matplotlib"}
    # Tests that run at the same time share the processors: more processes than those would only wait for each other.
    share = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))
    environment = {**os.environ, **{name: str(scratch / folder) for name, folder in folders.items()},
                   "COURSE_PROGRESS": str(scratch / "progress.json"), "TQDM_DISABLE": "1",
                   "JUPYTER_CONFIG_PATH": str(REPOSITORY / "tools" / "jupyter"),
                   "JUPYTER_PATH": str(REPOSITORY / "tools" / "jupyter"),
                   "LOKY_MAX_CPU_COUNT": str(share),
                   "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={directory}",
               "--LabApp.expose_app_in_browser=True"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = scratch / "server.log"
    with open(log, "w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(server, f"{url}/api/status?token={token}", log)
        yield Lab(url, token, directory)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen, url: str, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                break
            time.sleep(.1)
    raise RuntimeError(f"JupyterLab did not start; the end of its log:\n{log.read_text()[-2000:]}")


def execute(page, command: str, **args):
    """Run a command of JupyterLab; returns when it has ended."""
    return page.evaluate("([command, args]) => window.jupyterapp.commands.execute(command, args).then(() => null)",
                         [command, args])


def run_all(page) -> None:
    """Run every cell and wait for the last one."""
    execute(page, "notebook:run-all-cells")
    done(page)


def done(page) -> None:
    """Wait for the last cell that was asked to run."""
    page.wait_for_function("""() => ![...document.querySelectorAll('.jp-InputPrompt')]
                                      .some(prompt => prompt.textContent.includes('*'))""", timeout=240_000)


def drag(page, handle, by: float) -> None:
    """Drag a slider's handle by so many pixels."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y)
    page.mouse.up()


def moves(page, cell, action) -> None:
    """Do something; the live picture of the cell becomes another one, in words and to the eye."""
    picture = cell.locator("svg[role=img]")
    words, before = picture.get_attribute("aria-label"), picture.screenshot()
    action()
    page.wait_for_function("([cell, words]) => cell.querySelector('svg[role=img]').ariaLabel !== words",
                           arg=[cell.element_handle(), words], timeout=20_000)
    assert picture.screenshot() != before


def errors(page) -> list[str]:
    """The text of every error output on the page."""
    return page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"], '
                        '.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def theme(page, name: str) -> None:
    """Change to "light" or "dark"."""
    execute(page, "apputils:change-theme", theme=f"JupyterLab {name.capitalize()}")
    page.wait_for_function("name => document.body.dataset.jpThemeLight === String(name === 'light')", arg=name)
    page.wait_for_timeout(500)


def picture(page, path: Path) -> None:
    """Write the whole notebook, however long, as one picture."""
    size = page.viewport_size
    height = page.evaluate("""() => {
        window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
        const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
        return cells.at(-1).getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top;
    }""")
    page.set_viewport_size({"width": size["width"], "height": min(int(height) + 180, 16_000)})
    page.evaluate("() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0; }")
    page.wait_for_timeout(500)
    page.locator(".jp-NotebookPanel").screenshot(path=path)
    page.set_viewport_size(size)


def complaints(page) -> list[str]:
    """What axe finds wrong with the outputs, but for the name that ipywidgets does not give to a slider's handle."""
    from axe_playwright_python.sync_playwright import Axe
    violations = Axe().run(page, context=".jp-OutputArea-child").response["violations"]
    return [f"{violation['id']}: {node['html'][:200]}" for violation in violations for node in violation["nodes"]
            if not (violation["id"] == "aria-input-field-name" and "noUi-handle" in node["html"])]


@contextmanager
def served(folder):
    """Serve a folder on this machine."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def requests_outside(page, inside):
    """Return a list that fills with the addresses that the page and its workers ask for outside of `inside`."""
    found = []
    page.context.on("request", lambda request: None if request.url.startswith((inside, "data:", "blob:"))
                    else found.append(request.url))
    return found

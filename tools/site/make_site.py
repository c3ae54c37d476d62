"""Build the course as web pages, with the edition that runs in the browser beside them, in build/site.

    python tools/site/make_site.py        make site

The pages show what the notebooks store; nothing is run but what makes the live figures (frames.py). Opened from a disk
or a server they ask nothing of the network; the browser edition in build/site/lite needs a server, and fetches Pyodide.
"""
from __future__ import annotations

import base64
import hashlib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import address
import browser_edition
import pages
from assets import MissingAsset, mathjax
from frames import KEPT, kept
from notebooks import ROOT, read
from setup_env import SetupError
from slides import NotExecuted, check_executed

BUILD = ROOT / "build"
TARGET = BUILD / "site"
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
FRAMES = 100  # a live figure, at most: a page is to be read, and loads quickly


def moving(path: Path, folder: Path = KEPT) -> dict[str, str]:
    """Return {cell id: HTML} of a notebook's live figures as they move without a kernel; frames.py keeps them."""
    return kept(path, FRAMES, folder)[0]


def write_sources(folder: Path, frames: Path = KEPT, still: bool = False) -> None:
    """Write the pages' sources into a folder: pages/, what Sphinx reads; extra/, what it copies; assets/, scripts.

    folder  is emptied first
    frames  the folder that keeps the frames of live figures
    still   whether only the first lesson's figures move, which takes seconds instead of minutes
    errors  NotExecuted for a notebook without outputs, MissingAsset
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("pages", "extra", "assets"):
        (folder / name).mkdir(parents=True)
    known = pages.sources()
    lessons = [path for path in known if path.suffix == ".ipynb"]
    for path in lessons:
        check_executed(read(path), path.stem)
    drawn = lessons[:1] if still else lessons
    context = multiprocessing.get_context("spawn")  # threads of numpy do not survive a fork
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=context) as pool:
        live = dict.fromkeys(lessons, {}) | dict(zip(drawn, pool.map(moving, drawn, [frames] * len(drawn))))
    for path, name in known.items():
        if path in live:
            text = pages.lesson(read(path), path, known, live[path])
        else:
            text = pages.front(known, live[lessons[0]]) if name == "index" else pages.text_page(path, known)
            for place, file in pages.files(path.read_text(encoding="utf-8"), path, known).items():
                for copy in (folder / "pages" / place, folder / "extra" / place):
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(file, copy)
        (folder / "pages" / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")
    shutil.copytree(ROOT / "notebooks", folder / "extra" / "notebooks", ignore=only_notebooks)
    shutil.copy2(mathjax(), folder / "assets")
    shutil.copy2(HERE.parent / "slides" / "frames.js", folder / "assets")


def only_notebooks(folder: str, names: list[str]) -> set[str]:
    """Return what shutil.copytree leaves out."""
    return {name for name in names if not name.endswith(".ipynb")}


def write_pages(target: Path, folder: Path) -> None:
    """Have Sphinx make the pages of the sources in a folder; a warning is an error."""
    environment = os.environ | {"SITE_TOOLS": str(HERE), "SITE_ASSETS": str(folder / "assets"),
                                "SITE_EXTRA": str(folder / "extra"), "SITE_REPOSITORY": address.published()}
    run = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-j", "auto", "-c", HERE,
                          "-d", folder / "doctrees", folder / "pages", target],
                         env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        raise RuntimeError(f"Sphinx could not make the pages:\n{run.stdout[-3000:]}")
    for page in target.glob("**/*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("<head>", f"<head>{policy(text)}", 1), encoding="utf-8", newline="\n")


def policy(page: str) -> str:
    """Return the element that lets a page run its own scripts alone, and fetch nothing from elsewhere.

    Source: https://www.w3.org/TR/CSP3/, a script within the page is named by its hash.
    """
    own = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
                   for script in dict.fromkeys(INLINE.findall(page)))
    rules = (f"default-src 'none'; script-src 'self' {own}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
             "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'")
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def main() -> int:
    """Build all and return the exit status."""
    start = time.perf_counter()
    shutil.rmtree(TARGET, ignore_errors=True)
    try:
        write_sources(BUILD / "site-sources")
        write_pages(TARGET, BUILD / "site-sources")
        place = TARGET.relative_to(ROOT)
        print(f"The pages are in {place}/index.html ({time.perf_counter() - start:.0f} s).", flush=True)
        browser_edition.build(TARGET / "lite", BUILD / "site-lite", browser_edition.set_up())
    except (MissingAsset, NotExecuted, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except SetupError as problem:
        print(f"{problem} The pages are complete; only their browser edition is missing.", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in TARGET.rglob("*") if file.is_file())
    print(f"The browser edition is in {place}/lite: {size / 1e6:.0f} MB in all, {time.perf_counter() - start:.0f} s.\n"
          f"It needs a server: python -m http.server -d {place}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

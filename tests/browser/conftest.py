from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from lab import REPOSITORY, NoChromium, chromium, jupyterlab

ARTIFACTS = Path(__file__).parent / "artifacts"


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        try:
            with chromium(playwright) as browser:
                yield browser
        except NoChromium as problem:
            raise pytest.fail.Exception(str(problem), pytrace=False) from None


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A server over a copy of the notebooks, so that running them leaves the repository as it is."""
    scratch = tmp_path_factory.mktemp("lab")
    notebooks = scratch / "notebooks"
    if (REPOSITORY / "notebooks").exists():
        shutil.copytree(REPOSITORY / "notebooks", notebooks)
    notebooks.mkdir(exist_ok=True)
    with jupyterlab(notebooks, scratch) as lab:
        yield lab


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    yield page
    page.close()


@pytest.fixture(scope="session")
def artifacts():
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS

"""The folder of pages that is tested, and the browser."""

import subprocess
from pathlib import Path

import pytest
from website.browser import browsing, find_programs, visit_all


def pytest_addoption(parser):
    parser.addoption("--site", help="folder of the built documentation", type=Path)


def pytest_report_header(config):
    browser, driver = find_programs()
    programs = [version(each) for each in (browser, driver) if each]
    return [f"site: {config.getoption('site')}", f"browser: {', '.join(programs) or 'none'}"]


def version(program):
    """What a program says of itself; Debian's Chromium also complains about machines that it does not know."""
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return " ".join(asked.stdout.split()[:3])


@pytest.fixture(scope="session")
def site(request):
    folder = request.config.getoption("site")
    if folder is None:
        pytest.skip("no pages: build the documentation, and name its folder by --site")
    return folder


@pytest.fixture(scope="session")
def chrome():
    browser, driver = find_programs()
    if not (browser and driver):
        missing = " and ".join(name for name, path in (("Chromium", browser), ("chromedriver", driver)) if not path)
        pytest.skip(f"{missing} not found on this machine")
    with browsing(browser, driver) as chrome:
        yield chrome


@pytest.fixture(scope="session")
def visits(chrome, site):
    return visit_all(chrome, site)

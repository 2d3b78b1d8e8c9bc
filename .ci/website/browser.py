"""Pages of a folder in Chromium without a screen, by selenium."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as ec
from selenium.webdriver.support.wait import WebDriverWait
from website.links import pages_of

MEASURE = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")
# Until a page with themes has taken the one that is asked for, and is drawn; a page without does as well.
SETTLE = """
const [scheme, done] = arguments;
const page = document.documentElement;
const end = performance.now() + 3000;
(function look() {
  if (!page.dataset.theme || page.dataset.theme === scheme || performance.now() > end) {
    requestAnimationFrame(() => setTimeout(done));
  } else setTimeout(look, 10);
})();
"""
WIDTHS = 1400, 400
# Chromium has no sandbox for root, and asks its maker's hosts unless it is told not to. Nothing but the site answers.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find_programs():
    """Paths of the browser and of its driver; None for what is not installed."""
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, browsers), None), shutil.which("chromedriver")


class Quiet(SimpleHTTPRequestHandler):
    """A handler that logs nothing: the browser's console has what fails."""

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def serving(folder):
    """Address of a server of the folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def browsing(browser, driver):
    """The browser, which keeps what its console says."""
    options = ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for each in OPTIONS:
        options.add_argument(each)
    with Chrome(options, ChromeService(driver)) as chrome:
        yield chrome


@dataclass
class Visit:
    """What was wrong on one page: what the console said, what scrolls by width of the window, light boxes when dark."""

    console: list
    scrolling: dict
    white: list


def visit(chrome, address):
    """Open a page, at every width and in the dark."""
    chrome.get_log("browser")
    chrome.get(address)
    scrolling = {width: measure(chrome, width, "light")["scrolling"] for width in WIDTHS}
    white = measure(chrome, WIDTHS[0], "dark")["white"]
    console = [each["message"] for each in chrome.get_log("browser") if each["level"] == "SEVERE"]
    return Visit(console, scrolling, white)


def measure(chrome, width, scheme):
    """What measure.js finds in a window of that width, of a reader who prefers that colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": name, "value": value} for name, value in features.items()]}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    chrome.execute_async_script(SETTLE, scheme)
    return chrome.execute_script(MEASURE)


def visit_all(chrome, folder):
    """Visits by page."""
    with serving(folder) as address:
        return {path.as_posix(): visit(chrome, f"{address}/{path.as_posix()}") for path in pages_of(folder)}


def search(chrome, folder, words):
    """The page that the search of the site finds first, relative to the folder."""
    with serving(folder) as address:
        chrome.get(f"{address}/search.html?q={words}")
        found = ec.presence_of_element_located((By.CSS_SELECTOR, "#search-results ul.search li a"))
        return WebDriverWait(chrome, 20).until(found).get_attribute("href").removeprefix(f"{address}/")

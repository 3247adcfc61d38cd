"""A real Chromium that shows a page of ours, without any network, and tells what happened."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

BINARIES = ("chromium", "chromium-browser", "google-chrome")
DRIVERS = ("chromedriver", "chromium-driver")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--proxy-server=127.0.0.1:9",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
DESKTOP, PHONE = 1280, 390
WIDE = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll, svg, .skip'))
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => Math.max(box.right, box.left + e.scrollWidth) > wide + 1)
  .map(([e]) => e)
  .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 60));
"""
"""Elements that reach beyond the window, but for what scrolls in a box of its own."""


@dataclass
class Browser:
    """A browser with one page in it.

    Attributes:
        driver: Selenium's driver.
        folder: Where pages are put for it.
    """

    driver: WebDriver
    folder: Path

    def show(self, html: str, *, width: int = DESKTOP, dark: bool = False, scripts: bool = True) -> None:
        """Open a page in a window of some width; what earlier pages logged is forgotten."""
        path = self.folder / "page.html"
        path.write_text(html, "utf-8")
        self.set_width(width)
        self.media(dark=dark)
        self._command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.requests()
        self.complaints()
        self.driver.get(path.as_uri())

    def set_width(self, width: int) -> None:
        """Set the width of the window in CSS pixels, down to a phone's."""
        self._command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )

    def media(self, *, dark: bool = False, kind: str = "screen") -> None:
        """Show the page in light or dark, or as it is printed."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", media=kind, features=[feature])

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the script returns
        """Run a script in the page; the page's own policy does not bind it."""
        return self.driver.execute_script(script, *arguments)

    def elements(self, selector: str, within: WebElement | None = None) -> list[WebElement]:
        """Give the elements that a CSS selector finds."""
        return (within or self.driver).find_elements("css selector", selector)

    def click(self, selector: str, within: WebElement | None = None) -> None:
        """Click on the first element that a selector finds, where it is hit and not covered."""
        (element, *_) = self.elements(selector, within)
        self.run(
            "arguments[0].scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'})", element
        )
        element.click()

    def press(self, *keys: str) -> None:
        """Press keys by their names in `selenium.webdriver.common.keys`, or letters."""
        from selenium.webdriver import ActionChains, Keys  # noqa: PLC0415 - of the development group

        pressed = [getattr(Keys, key.upper(), key) for key in keys]
        ActionChains(self.driver).send_keys(*pressed).perform()

    def type(self, element: WebElement, text: str) -> None:
        """Type into a field."""
        element.send_keys(text)

    def clear(self, element: WebElement) -> None:
        """Empty a field as a person does."""
        from selenium.webdriver import Keys  # noqa: PLC0415 - of the development group

        element.send_keys(Keys.CONTROL + "a", Keys.DELETE)

    def complaints(self) -> list[str]:
        """Give what the console said: errors, warnings, refusals by the content policy."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Give the addresses that were asked for, the pages themselves apart."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [
            one["request"]["url"]
            for one in sent
            if urlsplit(one["request"]["url"]).scheme not in {"file", "about"}
            or one.get("type") != "Document"
        ]

    def overflowing(self) -> list[str]:
        """Give what reaches beyond the window, scrolling boxes apart."""
        return [str(found) for found in self.run(WIDE)]

    def accessibility(self, *rules: str) -> list[str]:
        """Give what axe-core finds wrong, by its rules for WCAG 2 A and AA or by the given ones only."""
        from axe_core_python.selenium import Axe  # noqa: PLC0415 - of the development group

        only: dict[str, object] = {"type": "tag", "values": ["wcag2a", "wcag2aa"]}
        if rules:
            only = {"type": "rule", "values": list(rules)}
        found = Axe().run(self.driver, options={"runOnly": only})
        return [
            f"{wrong['id']}: {node['html'][:120]} ({node['failureSummary']})"
            for wrong in found["violations"]
            for node in wrong["nodes"]
        ]

    def print_pages(self) -> bytes:
        """Print the page on A4 and give the PDF."""
        printed = self._command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        return base64.b64decode(printed["data"])

    def picture(self, path: Path) -> Path:
        """Save a picture of the whole page, as long as it is."""
        taken = self._command("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def _command(self, name: str, **parameters: object) -> dict[str, Any]:
        return dict(self.driver.execute_cdp_cmd(name, parameters))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile and end it; skip where there is none."""
    binary, driver = (next(filter(None, map(shutil.which, names)), None) for names in (BINARIES, DRIVERS))
    if binary is None or driver is None:
        pytest.skip(
            f"no {BINARIES[0]} with {DRIVERS[0]} on the PATH, so pages are not looked at in a browser"
        )
    from selenium import webdriver  # noqa: PLC0415 - of the development group, slow to import

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(started, folder)
    finally:
        started.quit()

"""A headless Chromium, and the whole service on a real port for it to visit.

def test_something(browser: Browser, kernel: Kernel) -> None:
    with served(kernel) as here, visit(browser, width=390) as page:
        page.goto(here.settings.base_url + "/sign-in")
        assert faults(page) == []
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from ar.app import create_app
from ar.core.kernel import Kernel
from tests.cash.serving import free_port
from tests.cash.serving import served as listening

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HEIGHT = 900
GRAVE = ("serious", "critical")
_AXE = Axe()


@contextmanager
def launched() -> Iterator[Browser]:
    """Debian's Chromium, for the length of the block. Meanwhile asyncio.run() does not work in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(kernel: Kernel) -> Iterator[Kernel]:
    """The whole service of `kernel` on a free port: the kernel whose base_url is that address."""
    port = free_port()
    settings = kernel.settings.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
    here = replace(kernel, settings=settings)
    with listening(create_app(here), port):
        yield here


@contextmanager
def visit(browser: Browser, *, width: int = 1440, dark: bool = False, language: str = "en-GB") -> Iterator[Page]:
    """A page in a profile of its own, all that its console complains of kept in `complaints(page)`."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if dark else "light", locale=language
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    heard: list[str] = []
    _HEARD[page] = heard

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(f"{message.type}: {message.text}")

    def on_error(error: Error) -> None:
        heard.append(f"uncaught: {error.message}")

    page.on("console", on_console)
    page.on("pageerror", on_error)
    try:
        yield page
    finally:
        del _HEARD[page]
        with contextlib.suppress(Error):
            context.close()


_HEARD: dict[Page, list[str]] = {}


def complaints(page: Page) -> list[str]:
    """What the console of `page` has complained of since it was last asked."""
    heard = _HEARD[page]
    told, heard[:] = list(heard), []
    return told


def faults(page: Page) -> list[str]:
    """What is wrong with the page shown: complaints of its console, a sideways scroll, barriers that axe finds."""
    return plain_faults(page) + barriers(page)


def plain_faults(page: Page) -> list[str]:
    """What its console complains of, and a sideways scroll: told at once, where axe takes a second."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = complaints(page)
    if wide > 0:
        found.append(f"is {wide} pixels wider than the window")
    return found


def barriers(page: Page) -> list[str]:
    """The serious and critical violations that axe finds, once all cards of the page are there: they fade in."""
    page.wait_for_function("() => !document.querySelector('.lazy')", timeout=10_000)
    found = []
    for violation in _AXE.run(page).response["violations"]:
        if violation["impact"] in GRAVE:
            where = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
            found.append(f"{violation['id']} ({violation['impact']}): {violation['help']} at {where}")
    return found

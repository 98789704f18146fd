"""Going to pages in a real browser, beside tests whose builds come and go with interfaces."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, Request, Response

from tests.system.conftest import Server

NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""How Chromium ends what it is loading when an interface of this machine comes or goes.

Each container of a build has one, so this tells of the builds of other tests, not of the page.
"""
VISITS = 5


def complaints_of(page: Page) -> list[str]:
    """Return a list that fills with the errors that a page's scripts and console tell from now.

    What a page tells after one of its requests was cut off is about that, and not noted.
    """
    told: list[str] = []
    cut_off: list[str] = []

    def note(text: str) -> None:
        if not cut_off and NETWORK_CHANGED not in text:
            told.append(text)

    page.on("framenavigated", lambda frame: cut_off.clear() if not frame.parent_frame else None)
    page.on("requestfailed", _noting(cut_off))
    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    return told


def visit(page: Page, url: str, ready: Callable[[], None] = lambda: None) -> Response:
    """Go to a page until it is ready; again, if the network changed while it was loaded."""
    cut_off: list[str] = []
    noting = _noting(cut_off)
    page.on("requestfailed", noting)
    try:
        for _ in range(VISITS):
            cut_off.clear()
            try:
                answer = page.goto(url)
                ready()
            except (Error, AssertionError) as error:
                if not cut_off and NETWORK_CHANGED not in str(error):
                    raise
            else:
                if not cut_off:
                    assert answer is not None
                    return answer
    finally:
        page.remove_listener("requestfailed", noting)
    pytest.fail(f"{VISITS} times the machine's network changed while {url} was loaded")


def _noting(cut_off: list[str]) -> Callable[[Request], None]:
    def note(request: Request) -> None:
        if request.failure == NETWORK_CHANGED:
            cut_off.append(request.url)

    return note


def sign_in(page: Page, server: Server) -> None:
    """Sign the server's user in and wait for the first page."""
    visit(page, f"{server.url}/login/")
    page.get_by_label("Username").fill(server.username)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects/**")

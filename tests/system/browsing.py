"""Going to pages in a real browser, beside tests whose builds come and go with interfaces."""

import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

from tests.system.conftest import Server

NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""How Chromium ends what it is loading when an interface of this machine comes or goes.

Each container of a build has one, so this tells of the builds of other tests, not of the page.
"""
VISITS = 5


def complaints_of(page: Page) -> list[str]:
    """Return a list that fills with the errors that a page's scripts and console tell from now."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and NETWORK_CHANGED not in message.text:
            told.append(message.text)

    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("console", note)
    return told


def visit(page: Page, url: str) -> Response:
    """Go to a page, again if it was not loaded whole because the machine's network changed."""
    cut_off: list[str] = []

    def note(request: Request) -> None:
        if request.failure == NETWORK_CHANGED:
            cut_off.append(request.url)

    page.on("requestfailed", note)
    try:
        for _ in range(VISITS):
            cut_off.clear()
            if (answer := _answer(page, url)) and not cut_off:
                return answer
    finally:
        page.remove_listener("requestfailed", note)
    pytest.fail(f"{VISITS} times the machine's network changed while {url} was loaded")


def _answer(page: Page, url: str) -> Response | None:
    try:
        return page.goto(url)
    except Error as error:
        if NETWORK_CHANGED not in error.message:
            raise
        return None


def sign_in(page: Page, server: Server) -> None:
    """Sign the server's user in and wait for the first page."""
    visit(page, f"{server.url}/login/")
    page.get_by_label("Username").fill(server.username)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects/**")

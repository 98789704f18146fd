"""Every page in a real browser: two widths, two themes, no error, no sideways scrolling."""

from time import monotonic, sleep
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.system.browsing import complaints_of, sign_in, visit
from tests.system.conftest import Server

pytestmark = pytest.mark.browser

WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
ADDED_UP_SECONDS = 60
TABS = ("timeline", "steps", "why", "log", "source", "layers", "evidence")


def addresses(server: Server) -> list[str]:
    """One address of each page, with builds that succeeded and that failed."""
    project = "/projects/demo"
    found = [f"{project}/{tail}" for tail in ("", "services/", "builds/", "receipts/")]
    found += [f"{project}/settings/members/", f"{project}/settings/tokens/"]
    found += [f"{project}/services/{name}/" for name in ("api", "web", "ai")]
    found += [f"{project}/{tail}" for tail in ("queue/", "queue/new/", "failures/", "triggers/")]
    found += [f"{project}/triggers/schedules/new/", f"{project}/services/api/source/"]
    parts = ("", "references/", "storage/", "operations/", "acts/")
    found += [f"{project}/cache/{tail}" for tail in parts]
    forms = ("policy/", "new/verify/", "new/invalidate/", "new/prune/")
    found += [f"{project}/cache/operations/{tail}" for tail in forms]
    found += [f"{project}/services/api/{tail}" for tail in ("trends/?grain=month", "budgets/")]
    found += [f"{project}/builders/", builder_of(server)]
    found += [f"{project}/changes/{tail}" for tail in ("", "?state=all")]
    found += [f"{project}/images/", image_of(server, "web"), f"{project}/services/web/sizes/"]
    found += [f"{project}/{tail}" for tail in ("platforms/", "views/", "wall/", "recommendations/")]
    found += [f"{project}/services/{name}/comparison/" for name in ("api", "ai")]
    found += [step_of(server, "api"), "/help/troubleshooting/"]
    for status in ("succeeded", "failed", "canceled"):
        builds = server.get(f"/api/v1/builds/?status={status}").json()["results"]
        detail = builds[0]["html_url"].removeprefix(server.url)
        found += [f"{detail}?tab={tab}" for tab in TABS]
        found.append(f"{detail}compare/")
    receipt = server.get("/api/v1/ingest/receipts/").json()["results"][0]["receipt"]
    found.append(f"{project}/receipts/{receipt}/")
    return found


def builder_of(server: Server) -> str:
    """The page of the busiest builder, once a worker has added up hours."""
    deadline = monotonic() + ADDED_UP_SECONDS
    while not (builders := server.get("/api/v1/builders/?days=90").json()):
        assert monotonic() < deadline, "nothing was added up"
        sleep(0.5)
    return f"/projects/demo/builders/{builders[0]['name']}/?days=90"


def step_of(server: Server, service: str) -> str:
    """The page of the step that costs most, once a worker has added up the days."""
    deadline = monotonic() + ADDED_UP_SECONDS
    while not (steps := server.get(f"/api/v1/services/{service}/cache/?days=90").json()["steps"]):
        assert monotonic() < deadline, "nothing was added up"
        sleep(0.5)
    return f"/projects/demo/services/{service}/steps/{steps[0]['identity']}/"


def image_of(server: Server, service: str) -> str:
    """The page of the newest image of a service, once a worker has followed its builds."""
    deadline = monotonic() + ADDED_UP_SECONDS
    while not (newest := server.get(f"/api/v1/services/{service}/sizes/").json()["newest"]):
        assert monotonic() < deadline, "no image was followed"
        sleep(0.5)
    return f"/projects/demo/images/{newest['digest']}/"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page(browser: Browser, demo_server: Server, width: str, theme: Any):
    columns, rows = WIDTHS[width]
    context = browser.new_context(viewport={"width": columns, "height": rows}, color_scheme=theme)
    page = context.new_page()
    complaints = complaints_of(page)
    sign_in(page, demo_server)
    for address in addresses(demo_server):
        assert visit(page, demo_server.url + address).status == 200, address
        assert page.locator("h1").count() == 1, address
        assert page.evaluate("document.documentElement.scrollWidth") <= columns, address
        assert page.locator("img:not([alt]), table:not(:has(caption))").count() == 0, address
        assert complaints == [], address
    context.close()


def test_builds_can_be_filtered_without_a_reload(browser: Browser, demo_server: Server):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, demo_server)
    visit(page, f"{demo_server.url}/projects/demo/builds/")
    page.get_by_label("Service").fill("web")
    page.get_by_label("Service").press("Enter")
    page.wait_for_url("**service=web**")
    assert page.url.count("service=") == 1
    assert page.locator("#results").count() == 1
    page.wait_for_function(
        "[...document.querySelectorAll('#results tbody th a')].every(a => a.textContent === 'web')"
    )
    assert page.locator("#results tbody tr").count() > 0


def test_the_wall_fits_and_says_when_the_server_is_silent(browser: Browser, demo_server: Server):
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.clock.install()
    sign_in(page, demo_server)
    visit(page, f"{demo_server.url}/projects/demo/wall/")
    # Other tests build services of their own on this server.
    services = len(demo_server.get("/api/v1/services/").json()["results"])
    expect(page.locator("#wall .tile")).to_have_count(services)
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(size) == [1920, 1080]
    assert page.locator("html").get_attribute("data-theme") == "dark"
    warning = page.locator("#wall-silent")
    expect(warning).to_be_hidden()
    context.set_offline(True)
    page.clock.run_for(25_000)
    expect(warning).to_contain_text("The server cannot be reached: what you see is")
    context.set_offline(False)
    page.clock.run_for(25_000)
    expect(warning).to_be_hidden()
    context.clear_cookies()
    page.clock.run_for(25_000)
    expect(warning).to_contain_text("Signed out")
    expect(page.locator("#wall .tile")).to_have_count(services)
    context.close()


def test_a_page_is_saved_from_the_menu_and_opened_from_it(browser: Browser, demo_server: Server):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, demo_server)
    visit(page, f"{demo_server.url}/projects/demo/builds/?service=web&status=failed")
    menu = page.locator(".site-header .tools .menu")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Save this page").click()
    page.get_by_label("Name").fill("Failed builds of web")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody")).to_contain_text("not shared")
    visit(page, f"{demo_server.url}/projects/demo/")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Failed builds of web").click()
    page.wait_for_url("**/builds/?service=web&status=failed")


def test_the_build_page_works_without_javascript(browser: Browser, demo_server: Server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo_server)
    build = demo_server.get("/api/v1/builds/?status=succeeded").json()["results"][0]
    visit(page, build["html_url"])
    steps = demo_server.get(build["url"].removeprefix(demo_server.url) + "steps/").json()
    drawn = [step for step in steps if step["intervals"]]
    expect(page.locator(".waterfall ol > li.step")).to_have_count(len(drawn))
    page.get_by_role("link", name="Steps", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(len(steps))
    context.close()

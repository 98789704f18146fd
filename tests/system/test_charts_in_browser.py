"""Charts in a real browser: drawn under the policy, clicked, dragged, switched, and without."""

from collections.abc import Iterator
from datetime import date, timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.browsing import complaints_of, sign_in, visit
from tests.system.conftest import Server
from tests.system.test_pages_in_browser import ADDED_UP_SECONDS, step_of

pytestmark = pytest.mark.browser

NOTE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))
    .observe({ type: "layout-shift", buffered: true });
"""
TREND = "/projects/demo/services/api/trends/"
POINTS = ".live .trace.scatter .point"
"""Those of the median first."""


@pytest.fixture
def page(browser: Browser, demo_server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sign_in(page, demo_server)
    wait_for_days(demo_server)
    yield page
    context.close()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the page tells of errors: violations of the policy are among them."""
    return complaints_of(page)


def wait_for_days(server: Server) -> None:
    """Wait until all builds of the service are added up."""
    builds = server.get("/api/v1/builds/?service=api").json()["results"]
    deadline = monotonic() + ADDED_UP_SECONDS
    while True:
        told = server.get("/api/v1/services/api/trends/?days=365").json()
        if told["now"]["builds"] == len(builds):
            return
        assert monotonic() < deadline, told["now"]
        sleep(0.5)


def opened(page: Page, server: Server, address: str) -> Any:
    """Open a page and wait until Plotly has drawn its first chart."""
    plot = page.locator("[data-plot]").first

    def drawn() -> None:
        plot.scroll_into_view_if_needed()
        expect(page.locator("[data-plot].is-live").first).to_be_visible()

    visit(page, server.url + address, drawn)
    return plot


def test_plotly_takes_the_place_of_the_svg(page: Page, demo_server: Server, complaints: list[str]):
    page.add_init_script(NOTE_SHIFTS)
    plot = opened(page, demo_server, TREND)
    still = plot.locator("> svg.chart")
    expect(still).to_be_hidden()
    assert sum(page.evaluate("window.shifts")) < 0.01
    live = plot.locator(".live")
    expect(live).to_have_role("img")
    assert "Wall time: median by week" in str(live.get_attribute("aria-label"))
    assert page.locator(f"#{live.get_attribute('aria-details')} table").count() == 1
    assert plot.locator(".modebar, .plotlyjsicon").count() == 0
    # The plot area of the one is that of the other.
    area, box = plot.locator(".live .nsewdrag").first.bounding_box(), still.bounding_box()
    assert area is not None
    assert box is not None
    for name in ("x", "y", "width", "height"):
        assert area[name] == pytest.approx(box[name], abs=1.5), name
    assert complaints == []


def test_a_click_leads_to_the_builds(page: Page, demo_server: Server, complaints: list[str]):
    opened(page, demo_server, f"{TREND}?grain=month")
    months = page.locator("tbody th a")
    href = months.first.get_attribute("href")
    last = page.locator(POINTS).nth(months.count() - 1).bounding_box()
    assert last is not None
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] / 2)
    expect(page.locator(".live .hoverlayer .hovertext").first).to_be_visible()
    assert "Median: " in str(page.locator(".live .hoverlayer").first.text_content())
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(f"**{href}")
    assert complaints == []


def test_a_drag_shows_those_days_finer_and_leads_back(
    page: Page, demo_server: Server, complaints: list[str]
):
    opened(page, demo_server, f"{TREND}?metric=wall_seconds")
    expect(page.get_by_role("heading", name="By week")).to_be_visible()
    rows = page.locator("tbody tr").count()
    area = page.locator(".live .nsewdrag").first.bounding_box()
    assert area is not None
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.5, middle, steps=5)
    page.mouse.up()
    page.wait_for_url("**after=**")
    query = {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}
    after, before = (date.fromisoformat(query[name]) for name in ("after", "before"))
    assert timedelta(days=7) < before - after < timedelta(days=45)
    assert query["metric"] == "wall_seconds"
    expect(page.get_by_role("heading", name="By day")).to_be_visible()
    expect(page.get_by_label("From")).to_have_value(after.isoformat())
    for cell in page.locator("tbody th a").all():
        shown = parse_qs(urlsplit(str(cell.get_attribute("href"))).query)["after"][0]
        assert after <= date.fromisoformat(shown) < before
    page.get_by_role("link", name="Whole period").click()
    expect(page.get_by_role("heading", name="By week")).to_be_visible()
    assert page.locator("tbody tr").count() == rows
    assert complaints == []


def test_further_lines_are_switched_on_by_keyboard(page: Page, demo_server: Server):
    opened(page, demo_server, TREND)
    drawn = page.locator(".live .trace.scatter").count()
    switch = page.get_by_role("button", name="95 %")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".live .trace.scatter")).to_have_count(drawn + 1)


def test_the_theme_colours_the_chart(page: Page, demo_server: Server, complaints: list[str]):
    opened(page, demo_server, TREND)
    line = page.locator(".live .trace.scatter .js-line").first
    grid = page.locator(".live .ygrid").first
    light = (line.get_attribute("style"), grid.evaluate("e => getComputedStyle(e).stroke"))
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    toggle.click()
    dark = "e => getComputedStyle(e).stroke === 'rgb(38, 42, 51)'"  # --line
    page.wait_for_function(f"() => ({dark})(document.querySelector('.live .ygrid'))")
    assert light[1] == "rgb(228, 231, 236)"
    page.emulate_media(color_scheme="light")
    toggle.click()  # as the system says
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({dark})(document.querySelector('.live .ygrid'))")
    assert complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_on_a_phone(browser: Browser, demo_server: Server, theme: Any):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=theme)
    page = context.new_page()
    complaints = complaints_of(page)
    sign_in(page, demo_server)
    wait_for_days(demo_server)
    changes = demo_server.get("/api/v1/changes/").json()["results"]
    found = [f"/projects/demo/changes/{change['id']}/" for change in changes[:1]]
    found += [f"{TREND}?grain=day", "/projects/demo/services/api/", "/projects/demo/cache/?days=90"]
    found.append(step_of(demo_server, "api"))
    for address in found:
        opened(page, demo_server, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        area = page.locator(".live .nsewdrag").first.bounding_box()
        assert area is not None
        assert area["width"] > 200, address
    assert complaints == []
    context.close()


def test_a_finger_sees_what_a_point_says_before_it_follows_it(
    browser: Browser, demo_server: Server
):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    sign_in(page, demo_server)
    wait_for_days(demo_server)
    opened(page, demo_server, f"{TREND}?grain=month")
    address = page.url
    point = page.locator(POINTS).first.bounding_box()
    assert point is not None
    at = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    page.touchscreen.tap(*at)
    expect(page.locator(".live .hovertext").first).to_be_visible()
    page.wait_for_timeout(500)  # a touch may come as two clicks
    assert page.url == address
    page.touchscreen.tap(*at)
    page.wait_for_url("**/builds/?service=api&after=**")
    context.close()


def test_without_javascript_there_are_the_svg_and_the_table(browser: Browser, demo_server: Server):
    wait_for_days(demo_server)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo_server)
    visit(page, demo_server.url + TREND)
    expect(page.locator("svg.chart .line").first).to_be_attached()
    expect(page.locator("svg.chart")).to_be_visible()
    expect(page.locator("#points tbody tr").first).to_be_visible()
    expect(page.get_by_role("button", name="95 %")).to_be_hidden()
    page.get_by_label("From").fill((date.today() - timedelta(days=20)).isoformat())  # noqa: DTZ011
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**after=**")
    expect(page.get_by_role("link", name="Whole period")).to_be_visible()
    context.close()

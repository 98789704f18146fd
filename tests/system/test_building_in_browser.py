"""Builds on a real engine, asked for and watched in a real browser, from the source to the end."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.farm.conftest import BASE, git
from tests.farm.flaky_registry import flaky_registry
from tests.system.browsing import sign_in, visit
from tests.system.conftest import Server, tiny_progress

pytestmark = [pytest.mark.browser, pytest.mark.engine]

PROJECT = "/projects/main"
SERVICES = ("ai", "api", "web")
PATIENCE_MS = 90_000


def dockerfile(*instructions: str) -> str:
    return "\n".join([f"FROM {BASE}", *instructions, ""])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three services in one repository, and branches on which one hangs or is broken."""
    folder = tmp_path_factory.mktemp("repositories") / "shop"
    (folder / "api").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name in SERVICES:
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "Dockerfile").write_text(
            dockerfile(f"RUN echo {name} of {folder}; sleep 8")
        )
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    for branch, text in (
        ("hang", dockerfile("RUN for i in 1 2 3; do echo compiling $i; done; sleep 600")),
        ("broken", dockerfile("RUN echo fine", "", "RUN echo this goes wrong; nope")),
    ):
        git(folder, "checkout", "--quiet", "-b", branch, "main")
        (folder / "api" / "Dockerfile").write_text(text)
        git(folder, "commit", "--quiet", "--all", f"--message={branch}")
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture(scope="module")
def server(engine: str, plain_server: Server) -> Server:
    """A server that has heard of the three services."""
    for number, name in enumerate(SERVICES):
        answer = requests.post(
            f"{plain_server.url}/api/v1/ingest/buildkit/?sync=1",
            headers=plain_server.headers,
            data={"service": name, "pipeline_run_id": name},
            files={"progress": ("progress.json", tiny_progress(number))},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
    return plain_server


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server, shop: Path) -> Page:
    """Somebody signed in who has told where the three services are."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    sign_in(page, server)
    for name, needed in (("ai", ""), ("api", "ai"), ("web", "ai")):
        visit(page, f"{server.url}{PROJECT}/services/{name}/")
        page.get_by_role("link", name="Source").click()
        page.get_by_label("Repository").fill(str(shop))
        page.get_by_label("Definition").select_option("dockerfile")
        page.get_by_label("Directory").fill(name)
        if needed:
            page.get_by_label(needed, exact=True).check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text(f"{name} can be built here now.")).to_be_visible()
    return page


def ask_for(page: Page, server: Server, *names: str, branch: str = "") -> None:
    visit(page, f"{server.url}{PROJECT}/queue/")
    page.get_by_role("link", name="Build …").click()
    for name in names:
        page.get_by_label(name, exact=True).check()
    page.get_by_label("Branch or tag").fill(branch)
    page.get_by_role("button", name="Queue").click()


def failed(page: Page) -> Locator:
    return page.get_by_role("region", name="Why it failed")


def build_of(server: Server, **filters: str) -> dict[str, Any]:
    """The newest build that the API lists for those filters."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    build: dict[str, Any] = server.get(f"/api/v1/builds/?{query}").json()["results"][0]
    return build


def test_a_build_is_watched_and_cancelled(page: Page, server: Server):
    ask_for(page, server, "api", branch="hang")
    expect(page.get_by_text("Running on")).to_be_visible()
    expect(page.get_by_role("region", name="End of the log")).to_contain_text("compiling 3")
    page.get_by_role("button", name="Cancel build").click()
    expect(page.get_by_text(f"Canceled by {server.username}.").first).to_be_visible()
    expect(page.get_by_text("Build it again")).to_be_visible()


def test_a_broken_build_says_where_why_and_what_to_do(page: Page, server: Server):
    ask_for(page, server, "api", branch="broken")
    failure = failed(page)
    expect(failure).to_contain_text("RUN echo this goes wrong; nope")
    expect(failure).to_contain_text("Dockerfile line 4")
    expect(failure).to_contain_text("this goes wrong")
    expect(failure).to_contain_text("What helps")
    again = page.get_by_role("region", name="Build it again")
    build = build_of(server, service="api", ref_name="broken")
    [platform] = build["platforms"]
    expect(again).to_contain_text(f"git checkout {build['revision']}")
    expect(again).to_contain_text(f"docker buildx build --platform={platform} api")
    visit(page, f"{server.url}{PROJECT}/failures/")
    expect(page.get_by_role("main")).to_contain_text("api")


def test_a_flaky_registry_is_tried_again_by_itself_until_it_answers(
    page: Page, server: Server, shop: Path
):
    with flaky_registry() as registry:
        git(shop, "checkout", "--quiet", "-b", "flaky", "main")
        (shop / "api" / "Dockerfile").write_text(f"FROM {registry.host}/library/busybox:1\n")
        git(shop, "commit", "--quiet", "--all", "--message=through the proxy")
        git(shop, "checkout", "--quiet", "main")
        ask_for(page, server, "api", branch="flaky")
        expect(failed(page)).to_contain_text("Registry error")
        page.get_by_role("link", name="attempt 2").click()
        expect(failed(page)).to_contain_text("Registry error")
        registry.is_down = False
        page.get_by_role("link", name="attempt 3").click()
        expect(page.get_by_role("main")).to_contain_text("Succeeded")
        origin = page.get_by_role("list", name="Where it comes from")
        expect(origin).to_contain_text("attempt 3, after attempt 2")
    assert build_of(server, ref_name="flaky")["status"] == "succeeded"


def test_services_are_built_in_the_order_of_their_needs_and_side_by_side(
    page: Page, server: Server
):
    visit(page, f"{server.url}/admin/farm/builder/")
    page.get_by_role("link", name="default").click()
    page.get_by_label("Slots").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    ask_for(page, server, "api", "web", "ai")
    running = page.get_by_role("region", name="Running builds")
    expect(running.get_by_role("link", name="ai", exact=True)).to_be_visible()
    waiting = page.get_by_role("region", name="Queued builds")
    expect(waiting.get_by_role("link", name="web", exact=True)).to_be_visible()
    for name in ("api", "web"):
        expect(running.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_text("Nothing runs")).to_be_visible()
    ai, api, web = (
        build_of(server, service=name, ref_name="main", trigger="manual")
        for name in ("ai", "api", "web")
    )
    assert {build["status"] for build in (ai, api, web)} == {"succeeded"}
    assert max(api["started_at"], web["started_at"]) < min(
        api["completed_at"], web["completed_at"]
    ), "side by side"
    assert ai["completed_at"] < min(api["started_at"], web["started_at"])


def test_a_killed_worker_s_build_is_lost_and_can_be_built_again(page: Page, server: Server):
    ask_for(page, server, "api", branch="hang")
    expect(page.get_by_role("region", name="End of the log")).to_contain_text("compiling 3")
    for process in workers(server):
        with suppress(psutil.NoSuchProcess):  # what the worker ran may end with it
            process.kill()
    expect(page.get_by_text("Build it again")).to_be_visible()
    assert build_of(server, ref_name="hang")["status"] == "lost"
    page.get_by_role("button", name="Build again").click()
    expect(page.get_by_role("region", name="End of the log")).to_contain_text("compiling 3")
    expect(page.get_by_text("attempt 2, after")).to_be_visible()
    page.get_by_role("button", name="Cancel build").click()
    expect(page.get_by_text(f"Canceled by {server.username}.").first).to_be_visible()


def workers(server: Server) -> list[psutil.Process]:
    """The processes of the worker that builds, and what they run."""
    [worker] = [
        child
        for child in psutil.Process(server.process.pid).children()
        if "--queues=builds" in child.cmdline()
    ]
    return [worker, *worker.children(recursive=True)]

"""Tabs of the build page: the failing line and its log, layers by instruction, comparison."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Project, User
from buildkit.model import (
    BuildStatus,
    Failure,
    HostTraffic,
    Image,
    Layer,
    SourceFile,
    SourceRange,
    StepState,
    Trace,
)
from builds.build_page import build_page
from builds.compare_page import compare_page
from builds.models import Build, Service
from builds.services import BuildContext, get_or_create_service, record_build
from tests.builds.making import SECOND, START, build, cached, printed, step

pytestmark = pytest.mark.django_db
DOCKERFILE = "FROM node\n# a comment\nCOPY . .\nRUN npm ci\nRUN npm test\n"
HOUR = 3600 * SECOND


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="shop")


def failed(service: Service) -> Build:
    log = "".join(f"line {number}\n" for number in range(1, 21)) + "error TS1\n\n"
    decoded = build(
        step(0, 0, 1, dockerfile_line=3, dockerfile_name="Dockerfile"),
        step(
            1,
            1,
            4,
            dockerfile_line=4,
            dockerfile_name="Dockerfile",
            state=StepState.FAILED,
            error="exit code: 1",
            log=(printed(log, 2),),
        ),
        status=BuildStatus.FAILED,
        failure=Failure(
            "npm ci: exit code: 1", None, f"sha256:{1:064x}", "Dockerfile", (SourceRange(4, 4),)
        ),
        sources=(SourceFile("Dockerfile", DOCKERFILE),),
    )
    return record_build(service=service, decoded=decoded, context=BuildContext())


class TestFailure:
    def test_the_failing_line_stands_in_its_dockerfile(self, service: Service):
        lines = build_page(failed(service), {})["failure_excerpt"]
        assert [line["number"] for line in lines if line["failed"]] == [4]
        [line] = [line for line in lines if line["failed"]]
        assert (line["keyword"], line["text"], line["annotation"]) == (
            "RUN",
            " npm ci",
            "npm ci: exit code: 1",
        )
        assert [line["comment"] for line in lines][1] is True

    def test_the_last_lines_it_printed_stand_beside(self, service: Service):
        tail = [line["html"] for line in build_page(failed(service), {})["failure_log"]]
        assert tail[-1] == "error TS1"
        assert tail[0] == "line 10"
        assert len(tail) == 12

    def test_the_page_shows_both(
        self, service: Service, bob: User, client_of: Callable[[User], Client]
    ):
        text = client_of(bob).get(failed(service).get_absolute_url()).content.decode()
        assert "Why it failed" in text
        assert "Last it printed" in text
        assert text.count("npm ci: exit code: 1") == 1, "the message is said once"

    def test_the_source_tab_tells_what_ran_at_each_line(self, service: Service):
        [source] = build_page(failed(service), {"tab": "source"})["sources"]
        busy = {line["number"]: line["busy"] for line in source["lines"] if line["busy"]}
        assert busy == {3: "1 s"}


def with_image(service: Service, number: int, sizes: dict[str, int]) -> Build:
    layers = tuple(
        Layer(f"sha256:{number}{index}", size, created_by=name)
        for index, (name, size) in enumerate(sizes.items())
    )
    image = Image(
        f"sha256:image{number}", "linux/amd64", "", layers=layers, size_bytes=sum(sizes.values())
    )
    decoded = build(step(0, 0, 1), ref=f"r{number}", started=START + number * HOUR, images=(image,))
    return record_build(service=service, decoded=decoded, context=BuildContext())


def test_layers_have_shares_and_changes(service: Service):
    with_image(service, 0, {"FROM": 600, "COPY": 100, "RUN": 101})
    later = with_image(service, 1, {"FROM": 600, "COPY": 300, "RUN": 100})
    [image] = build_page(later, {"tab": "layers"})["images"]
    rows = [
        (row["created_by"], row["share"], row["delta_bytes"], row["verdict"])
        for row in image["layers"]
    ]
    assert rows == [
        ("FROM", 0.6, 0, "same"),
        ("COPY", 0.3, 200, "worse"),
        ("RUN", 0.1, -1, "same"),
    ]


def test_inputs_show_arguments_once_and_the_builders_requests(
    service: Service, bob: User, client_of: Callable[[User], Client]
):
    decoded = build(
        step(0, 0, 1),
        frontend_attrs={"build-arg:A": "one", "build-arg:B": "two", "target": "x"},
        build_args={"A": "one"},
        trace=Trace(9, (HostTraffic("r.example", 1200, 1, 2.0, 5_000_000),)),
    )
    made = record_build(service=service, decoded=decoded, context=BuildContext())
    assert build_page(made, {"tab": "evidence"})["attributes"] == {
        "build-arg:B": "two",
        "target": "x",
    }
    text = client_of(bob).get(f"{made.get_absolute_url()}?tab=evidence").content.decode()
    assert "r.example" in text
    assert "1 refused" in text


class TestComparison:
    @pytest.fixture
    def pair(self, service: Service) -> tuple[Build, Build]:
        slow = "RUN " + "x" * 200
        before = build(
            step(0, 0, 2),
            step(1, 2, 3, name=slow),
            ref="a",
            build_args={"V": "1"},
            revision="aaa",
        )
        after = build(
            cached(0),
            step(1, 0, 9, name=slow),
            ref="b",
            started=START + HOUR,
            build_args={"V": "2"},
            revision="aaa",
        )
        made = [
            record_build(service=service, decoded=decoded, context=BuildContext())
            for decoded in (before, after)
        ]
        return made[0], made[1]

    def test_it_says_what_made_the_difference(self, pair: tuple[Build, Build]):
        before, after = pair
        page = compare_page(after, str(before.public_id))
        # 3 s before, 9 s after; the long step went from 1 s to 9 s, the other from 2 s to none
        assert page["before"] == before
        assert page["summary"].startswith(
            "The later build took 6 s more; most of the difference is RUN x"
        )
        assert page["summary"].endswith("… (+8 s).")
        shares = [(step["delta_seconds"], step["share"]) for step in page["steps"]]
        assert shares == [(8.0, 0.8), (-2.0, 0.2)]
        assert page["inputs"] == [{"label": "ARG V", "before": "1", "after": "2"}]
        measures = {row["label"]: (row["delta"], row["verdict"]) for row in page["measures"]}
        assert measures["Wall time"] == ("+6 s", "worse")
        assert measures["Cached of these"] == ("+1", "")

    @pytest.mark.parametrize("against", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
    def test_without_a_choice_the_last_other_is_taken(
        self, pair: tuple[Build, Build], against: str
    ):
        before, after = pair
        assert compare_page(after, against)["before"] == before

    def test_the_only_build_has_nothing_to_be_compared_with(self, service: Service):
        alone = record_build(service=service, decoded=build(step(0, 0, 1)), context=BuildContext())
        assert compare_page(alone, "")["before"] is None

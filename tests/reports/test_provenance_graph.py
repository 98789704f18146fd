"""The graph of an image's provenance: its nodes, what leads to what, and where it has an end."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Project
from bases.models import BaseImage
from builds.models import Build, Image
from policies.models import Verdict
from reports.provenance_drawing import BOXES, drawing_of, shortened
from reports.provenance_graph import ABOUT, BEFORE, Graph, Known, Node, graph_of
from sboms.models import Sbom
from supplychain.intoto import read_statement
from supplychain.signing.provenance import read_facts
from tests.conftest import SHARED_FIXTURES
from tests.trust.making import result
from trust.models import Verification

SHOP = Project(slug="shop")
IMAGE = Image(project=SHOP, digest="sha256:" + "a" * 64, platform="linux/amd64")
GOLANG = "sha256:690e4135bf2a4571a572bfd5ddfa806b1cb9c3dea0446ebadaf32bc2ea09d4f9"


def verified(*codes: str, environment: str = "production", **provenance: Any) -> Verification:
    """A verification with provenance, of which some fields are others."""
    said = result(*codes)
    said["facts"]["provenance"] |= provenance
    return Verification(
        project=SHOP,
        environment=environment,
        passed=not codes,
        **{name: said[name] for name in ("reasons", "facts", "inputs")},
    )


def real(name: str) -> dict[str, Any]:
    """What a real statement of SLSA tells, as a verification keeps it."""
    found = sorted((SHARED_FIXTURES / "slsa").glob(f"intoto-v0.2-{name}*"))
    if not found:
        pytest.skip(f"no statement {name} beside the checkout")
    path: Path = found[0]
    statement = read_statement(path.read_bytes(), path.name)
    return read_facts(statement.predicate, statement.predicate_type, path.name).as_json()


def drawn(verification: Verification, **known: Any) -> Graph:
    return graph_of(Known(IMAGE, known.pop("build", None), verification, **known))


def told(nodes: list[Node]) -> list[tuple[str, str, str]]:
    return [(node.kind, node.name, node.state) for node in nodes]


def test_what_a_real_github_build_was_made_of():
    graph = drawn(verified(**real("5df72ae6"), by=["release"], standing="counts"))
    assert told(graph.nodes) == [
        (
            "Source",
            "https://github.com/slsa-framework/example-package",
            "Revision 62cb1f1e4858",
        ),
        ("Base image", "docker.io/library/golang:1.20", "Digest 690e4135bf2a"),
        ("Base image", "gcr.io/distroless/static", "Digest 7198a357ff3a"),
        (
            "Build",
            "https://github.com/slsa-framework/example-package/actions/runs/5201384557",
            "Not recorded here",
        ),
        ("Image", IMAGE.digest, "Trusted in production"),
        ("Attestation", "Provenance, SLSA 0.2", "Signed by release"),
        ("SBOM", "SPDX-2.3, 12 packages", "Seen, not kept here"),
        ("Signature", "release", "Counts"),
    ]
    assert graph.edges == [
        ("source", "build"),
        ("material-0", "build"),
        ("material-1", "build"),
        ("build", "image"),
        ("image", "provenance"),
        ("image", "sbom-seen"),
        ("image", "signature-0"),
    ]
    source, golang, distroless, build = graph.nodes[:4]
    assert source.href == "https://github.com/slsa-framework/example-package"
    assert (source.is_outside, build.is_outside) == (True, True)
    assert build.href.endswith("/actions/runs/5201384557")
    assert (golang.href, distroless.href) == ("", "")


def test_what_a_real_build_does_not_say_is_told_as_not_said():
    graph = drawn(verified(**real("gcloud"), by=[], standing="unsigned"))
    source, material, build, _, provenance, *_ = graph.nodes
    assert (source.name, source.state) == ("Repository not named", "Revision not named")
    assert (source.href, source.badge) == ("", "lost")
    assert (material.kind, material.state) == ("Material", "No digest: not pinned")
    assert build.name == "https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.2"
    assert (provenance.state, provenance.badge) == ("Signed by nobody", "lost")


def test_a_builder_that_is_no_address_is_no_link():
    build = drawn(verified(**real("oci-kubectl"))).nodes[2]
    assert build.name == "Project Collection Build Service (AzureContainerUpstream)"
    assert build.href == ""


def test_what_has_a_page_here_leads_there():
    base, build = BaseImage(project=SHOP), Build(project=SHOP, status="succeeded")
    sbom = Sbom(
        project=SHOP,
        format="spdx",
        spec_version="2.3",
        package_count=7,
        source="tag",
        signature="verified",
        signed_by=["release.pub"],
    )
    verdict = Verdict(
        project=SHOP,
        environment="live",
        outcome="fail",
        said={"reasons": [{"message": "1 CRITICAL."}]},
    )
    verification = verified(**real("5df72ae6"))
    graph = drawn(
        verification,
        build=build,
        bases={GOLANG: base},
        sboms=[sbom],
        verdicts=[verdict],
        verifications=[verification],
    )
    by_key = {node.key: node for node in graph.nodes}
    links = {key: node.href for key, node in by_key.items() if not node.is_outside and node.href}
    assert links == {
        "material-0": base.get_absolute_url(),
        "build": build.get_absolute_url(),
        "image": f"/projects/shop/images/{IMAGE.digest}/",
        "provenance": verification.get_absolute_url(),
        "sbom-0": sbom.get_absolute_url(),
        "verification-0": verification.get_absolute_url(),
        "verdict-0": verdict.get_absolute_url(),
    }
    assert (by_key["build"].state, by_key["build"].badge) == (
        "Recorded here: succeeded",
        "succeeded",
    )
    assert told([by_key["sbom-0"]]) == [("SBOM", "SPDX 2.3, 7 packages", "Verified by release.pub")]
    assert by_key["sbom-0"].detail == "Attested by cosign under a tag of the image"
    assert told([by_key["verdict-0"]]) == [("Verdict", "built-in in live", "Fail")]


def test_states_are_those_of_the_newest_of_each_environment():
    rows = [
        verified("unsigned", environment="production"),
        verified(environment="staging"),
        verified(environment="production"),
    ]
    graph = drawn(rows[2], verifications=rows)
    trust = [node for node in graph.nodes if node.kind == "Verification"]
    assert told(trust) == [
        ("Verification", "production", "Not trusted"),
        ("Verification", "staging", "Trusted"),
    ]
    [image] = [node for node in graph.nodes if node.key == "image"]
    assert (image.state, image.badge) == ("Not trusted in production", "failed")


@pytest.mark.parametrize(
    ("said", "state", "badge"),
    [
        ({"standing": "counts", "by": ["a", "b"]}, "Signed by a, b", "succeeded"),
        (
            {"standing": "refused", "by": ["a"], "fault": "foreign-key"},
            "Does not count: foreign-key",
            "failed",
        ),
        ({"standing": "unsigned", "by": []}, "Signed by nobody", "lost"),
        ({"standing": "perfect"}, "Signed by nobody", "lost"),
    ],
)
def test_provenance_has_the_standing_it_was_found_to_have(
    said: dict[str, Any], state: str, badge: str
):
    [node] = [node for node in drawn(verified(**said)).nodes if node.key == "provenance"]
    assert (node.state, node.badge) == (state, badge)


def material(number: int) -> dict[str, str]:
    return {"uri": f"https://example.com/{number}.tar", "digest": f"sha256:{number:064x}"}


@pytest.mark.parametrize(
    ("count", "last"),
    [(7, "https://example.com/6.tar"), (8, "and 1 more"), (30, "and 23 more")],
)
def test_many_materials_are_grouped_and_base_images_are_shown_first(count: int, last: str):
    base = {"uri": "pkg:docker/alpine@3", "digest": "sha256:" + "b" * 64}
    graph = drawn(verified(materials=[*map(material, range(count)), base]))
    source, first, *_, end = graph.column(BEFORE)
    assert (source.key, first.name) == ("source", "docker.io/library/alpine:3")
    assert end.name == last
    assert len(graph.column(BEFORE)) == 1 + min(count + 1, 9)
    assert end.href == ("#materials-title" if count > 7 else "")


def test_many_signatures_and_attestations_have_an_end():
    row = verified()
    row.facts["signatures"] *= 30
    kinds = [f"https://example.com/kind/{number}" for number in range(30)]
    row.inputs["attached"] = [
        {"predicate_type": kind, "signers": ["release"] if number else []}
        for number, kind in enumerate(kinds)
    ]
    about = drawn(row).column(ABOUT)
    assert [node.name for node in about if node.kind == "Attestation"] == [
        "Provenance, SLSA 1",
        *kinds[:4],
        "and 26 more",
    ]
    assert [node.name for node in about if node.kind == "Signature"] == [
        *["release"] * 4,
        "and 26 more",
    ]
    states = [node.state for node in about if node.name in kinds]
    assert states == ["Signed by nobody of the policy", *["Signed by release"] * 3]


def test_boxes_lie_in_columns_and_do_not_touch():
    drawing = drawing_of(drawn(verified(**real("5df72ae6"))))
    spots = [(item["x"], item["y"]) for item in drawing["boxes"]]
    assert len({x for x, _ in spots}) == 4
    assert len(set(spots)) == len(spots) == 8
    for x, y in spots:
        assert BOXES.margin <= x <= drawing["width"] - BOXES.margin - BOXES.width
        assert BOXES.margin <= y <= drawing["height"] - BOXES.margin - BOXES.height
    for one in spots:
        below = [y for x, y in spots if x == one[0] and y > one[1]]
        assert all(y - one[1] >= BOXES.height + BOXES.gap_y for y in below)
    assert len(drawing["arrows"]) == 7


def test_the_table_says_what_the_drawing_does():
    graph = drawn(verified(**real("5df72ae6")))
    rows = drawing_of(graph)["rows"]
    assert [row["name"] for row in rows] == [node.name for node in graph.nodes]
    assert [row["of"] for row in rows[:3]] == [[], [], []]
    assert rows[3]["of"] == ["Source", "Base image"]
    assert rows[4]["of"] == ["Build"]
    assert {tuple(row["of"]) for row in rows[5:]} == {("Image",)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcdefghij", "abcdefghij"),
        ("abcdefghijk", "abcde…hijk"),
        ("a\u202eb\nc", "a�b�c"),
        ("", ""),
    ],
)
def test_long_names_lose_their_middle(text: str, shown: str):
    assert shortened(text, 10) == shown


TEXTS = st.one_of(st.none(), st.integers(), st.text(max_size=60), st.lists(st.text(max_size=9)))


@given(
    provenance=st.dictionaries(
        st.sampled_from(["builder", "version", "standing", "by", "fault", "source", "materials"]),
        st.one_of(TEXTS, st.dictionaries(st.sampled_from(["repository", "revision"]), TEXTS)),
    ),
    materials=st.lists(st.dictionaries(st.sampled_from(["uri", "digest"]), TEXTS), max_size=12),
    item=st.dictionaries(
        st.sampled_from(["by", "fault", "fingerprint", "store", "predicate_type", "signers"]),
        TEXTS,
    ),
)
def test_whatever_a_reporter_says_can_be_drawn(
    provenance: dict[str, Any], materials: list[Any], item: dict[str, Any]
):
    row = verified(**{"materials": materials} | provenance)
    row.facts |= {"signatures": [item], "sbom": item}
    row.inputs["attached"] = [item]
    drawing = drawing_of(drawn(row))
    for box in drawing["boxes"]:
        assert len(box["name"]) <= 27
        assert (box["name"] + box["state"] + box["title"]).isprintable()
        assert not box["node"].href or box["node"].href.startswith(("http", "/", "#"))

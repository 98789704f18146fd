"""Provenance beside an image, in indexes as BuildKit writes them and as others might."""

import json
from pathlib import Path
from typing import Any

import pytest

from buildkit.attestations import attestation_of, read_statement
from buildkit.errors import ParseError
from buildkit.imagefiles import from_path
from tests.cli.layouts import Layout

IMAGE, STATEMENTS = "sha256:" + "a" * 64, "sha256:" + "b" * 64
PROVENANCE = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
NOTES = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": IMAGE,
}


def statement_in(*layers: dict[str, Any]) -> bytes | None:
    manifest = json.dumps({"layers": layers}).encode()
    return read_statement(STATEMENTS, lambda _: manifest, lambda digest: digest.encode())


def test_the_manifest_of_an_image_is_found():
    entry = {"digest": STATEMENTS, "annotations": NOTES}
    assert attestation_of({"manifests": [{"digest": IMAGE}, entry]}, IMAGE) == STATEMENTS
    assert attestation_of({"manifests": [entry]}, STATEMENTS) == ""
    assert attestation_of({"manifests": [{"annotations": {}}, 1]}, IMAGE) == ""
    assert attestation_of({}, "") == ""


def test_provenance_is_told_from_other_statements():
    other = {"digest": "sbom", "annotations": {"in-toto.io/predicate-type": "https://spdx.dev"}}
    assert statement_in(other, {"digest": "found", "annotations": PROVENANCE}) == b"found"
    assert statement_in(other) is None


def test_several_statements_could_say_anything():
    with pytest.raises(ParseError, match="2 statements"):
        statement_in(*({"digest": "x", "annotations": PROVENANCE},) * 2)


def test_digests_and_provenance_of_a_layout(tmp_path: Path):
    layout = Layout(tmp_path / "layout")
    image = layout.image("linux/amd64")
    blob = layout.blob(b'{"predicate": {}}', annotations=PROVENANCE)
    statements = layout.blob(
        json.dumps({"layers": [blob]}).encode(),
        annotations=NOTES | {"vnd.docker.reference.digest": image["digest"]},
        platform={"os": "unknown", "architecture": "unknown"},
    )
    index = layout.blob(json.dumps({"manifests": [image, statements]}).encode())
    layout.index(index | {"mediaType": "application/vnd.oci.image.index.v1+json"})
    with from_path(layout.root) as files:
        assert (files.digests.manifest, files.digests.index) == (image["digest"], index["digest"])
        assert files.digests.config.startswith("sha256:")
        assert files.provenance() == b'{"predicate": {}}'
        assert files.layers == ()


def test_what_is_no_image_is_refused(tmp_path: Path):
    layout = Layout(tmp_path / "layout")
    config = layout.blob(b"{}", mediaType="application/vnd.cncf.helm.config.v1+json")
    layout.index(layout.blob(json.dumps({"config": config, "layers": []}).encode()))
    with pytest.raises(ParseError, match="helm"), from_path(layout.root):
        pass

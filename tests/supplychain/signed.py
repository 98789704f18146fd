"""A workshop of real signatures: cosign, keys made for a test, and a registry of its own."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from buildkit.registry import Credentials, NotFoundError, Reference, Registry
from buildkit.values import canonical_json
from supplychain.signing.commands import UNLOGGED, Signer
from supplychain.signing.cosign import Cosign
from supplychain.trust.verifying import Asked, Verification, verify_image
from tests.conftest import required
from tests.own_registry import OCI, PASSWORD, USER, OwnRegistry, own_registry

COMMIT = "5d1ccb6f4c2c6b1f7f4a6e54b4cd0f8a6ce3f0aa"
BUILDER = "https://ci.example.com/runners/1"
INDEX = "application/vnd.oci.image.index.v1+json"
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
PROVENANCE_V02 = "https://slsa.dev/provenance/v0.2"
SPDX = "https://spdx.dev/Document"
KEY_PASSWORD = "of the key"


def provenance_v1(ref: str = "refs/heads/main", builder: str = BUILDER, **more: Any) -> Any:
    """Provenance of SLSA v1 as GitHub's and BuildKit's builders write it."""
    workflow = {"repository": "https://github.com/example/shop", "ref": ref, "path": "ci.yml"}
    source = f"git+https://github.com/example/shop@{ref}"
    return {
        "buildDefinition": {
            "buildType": "https://mobyproject.org/buildkit@v1",
            "externalParameters": {"workflow": workflow},
            "resolvedDependencies": [{"uri": source, "digest": {"gitCommit": COMMIT}}],
        },
        "runDetails": {"builder": {"id": builder}},
        **more,
    }


@dataclass(slots=True)
class Workshop:
    """Makes images and signatures, and holds them against policies."""

    own: OwnRegistry
    folder: Path
    registry: Registry
    cosign: Cosign
    keys: dict[str, Path] = field(default_factory=dict)

    def key(self, name: str) -> Path:
        """The private key of that name, made when it is first wanted."""
        if name not in self.keys:
            (self.folder / name).mkdir()
            command = ["cosign", "generate-key-pair"]
            environment = dict(self.cosign.environment)
            subprocess.run(
                command, cwd=self.folder / name, env=environment, check=True, capture_output=True
            )
            self.keys[name] = self.folder / name / "cosign.key"
        return self.keys[name]

    def pem(self, name: str) -> str:
        """The public key of that name."""
        return self.key(name).with_suffix(".pub").read_text()

    def image(self, name: str, content: str = "", tag: str = "1") -> Reference:
        """An image of a registry under a tag, with its digest."""
        place = Reference.parse(f"{self.own.host}/{name}:{tag}")
        config = canonical_json({"architecture": "amd64", "os": "linux", "author": content})
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.registry.put_blob(place, config),
                "size": len(config),
            },
            "layers": [],
        }
        digest = self.registry.put_manifest(place, canonical_json(manifest), OCI)
        return Reference(place.host, place.repository, tag, digest)

    def sign(self, image: Reference, name: str = "release", *, old: bool = False) -> None:
        """Sign an image; in cosign's first format, if ``old``."""
        if not old:
            self.cosign.sign(image, Signer(str(self.key(name))))
        else:
            self._old("sign", name, image)

    def attest(
        self,
        image: Reference,
        predicate: Any,
        name: str = "release",
        kind: str = PROVENANCE_V1,
        *,
        old: bool = False,
    ) -> None:
        """Attest a predicate to an image; in cosign's first format, if ``old``."""
        if not old:
            signer = Signer(str(self.key(name)))
            self.cosign.attest(image, signer, kind, canonical_json(predicate))
            return
        path = self.folder / "predicate.json"
        path.write_bytes(canonical_json(predicate))
        self._old("attest", name, image, f"--type={kind}", f"--predicate={path}")

    def _old(self, verb: str, name: str, image: Reference, *more: str) -> None:
        call = ["cosign", verb, f"--key={self.key(name)}", *UNLOGGED, "--yes", *more]
        call += ["--new-bundle-format=false", "--allow-insecure-registry"]
        call.append(str(image.at(image.digest)))
        environment = dict(self.cosign.environment)
        subprocess.run(call, env=environment, check=True, capture_output=True)

    def move(self, image: Reference, to: Reference) -> None:
        """Put all that lies beside one image beside another, as somebody with push rights can."""
        subject = {"mediaType": OCI, "digest": to.digest, "size": 1}
        moved = []
        for item in self.registry.referrers(image):
            document = self.registry.manifest(image.at(item["digest"])).document
            data = canonical_json(document | {"subject": subject})
            digest = self.registry.put_manifest(to.tagged("moved"), data, OCI)
            moved.append({**item, "digest": digest, "size": len(data)})
        if moved:
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": moved}
            self._put(to, "", canonical_json(index), INDEX)
        for suffix in (".sig", ".att"):
            try:
                found = self.registry.manifest(image.tagged(_tag(image) + suffix))
            except NotFoundError:
                continue
            self._put(to, suffix, found.data, OCI)

    def put_beside(self, image: Reference, suffix: str, kind: str, data: bytes) -> None:
        """Put a layer of a type under a tag beside an image."""
        layer = {"mediaType": kind, "digest": self.registry.put_blob(image, data), "size": 1}
        config = {
            "mediaType": OCI,
            "digest": self.registry.put_blob(image, b"{}"),
            "size": 2,
        }
        document = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layer]}
        self._put(image, suffix, canonical_json(document), OCI)

    def refer(self, image: Reference, kind: str, data: bytes, *, artifact: str = "") -> str:
        """Let an artifact with a layer of a type refer to an image; return its digest."""
        empty = "application/vnd.oci.empty.v1+json"
        document = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "artifactType": artifact or kind,
            "config": {
                "mediaType": empty,
                "digest": self.registry.put_blob(image, b"{}"),
                "size": 2,
            },
            "layers": [
                {
                    "mediaType": kind,
                    "digest": self.registry.put_blob(image, data),
                    "size": len(data),
                }
            ],
            "subject": {"mediaType": OCI, "digest": image.digest, "size": 1},
        }
        raw = canonical_json(document)
        digest = self.registry.put_manifest(image.tagged("artifact"), raw, OCI)
        self.list_as_referrer(image, digest)
        return digest

    def list_as_referrer(self, image: Reference, digest: str) -> None:
        """Put a manifest on the list of those that refer to an image, whatever it refers to."""
        known = [item for item in self.registry.referrers(image) if item["digest"] != digest]
        entry = {"mediaType": OCI, "digest": digest, "size": 1}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*known, entry]}
        self._put(image, "", canonical_json(index), INDEX)

    def _put(self, image: Reference, suffix: str, data: bytes, kind: str) -> None:
        self.registry.put_manifest(image.tagged(_tag(image) + suffix), data, kind)

    def policy(self, *names: str, **environment: Any) -> dict[str, Any]:
        """A policy that allows some keys in production."""
        names = names or ("release",)
        rules = {"signers": list(names), "needs": {"provenance": False}} | environment
        keys = [{"id": name, "public_key": self.pem(name)} for name in names]
        return {"version": 1, "keys": keys, "environments": {"production": rules}}

    def verify(
        self, image: Reference, policy: dict[str, Any], at: datetime | None = None
    ) -> Verification:
        """Hold an image against a policy at a moment."""
        asked = Asked(image, policy, "production", at or datetime.now(UTC))
        return verify_image(asked, self.registry, self.cosign)

    def codes(
        self, image: Reference, policy: dict[str, Any], at: datetime | None = None
    ) -> list[str]:
        """Why an image is not trusted."""
        return [reason.code.value for reason in self.verify(image, policy, at).verdict.reasons]


def _tag(image: Reference) -> str:
    return image.digest.replace(":", "-")


def require_programs(*names: str) -> None:
    """Skip a test where a program is missing; with ``REQUIRE_ENGINE=1`` it fails."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing and required("REQUIRE_ENGINE"):
        pytest.fail(f"REQUIRE_ENGINE=1, and there is no {' and no '.join(missing)}")
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here")


@contextmanager
def workshop(folder: Path) -> Iterator[Workshop]:
    """Have a workshop while the block runs; the test is skipped where cosign is missing."""
    require_programs("cosign", "docker-registry")
    (folder / "registry").mkdir()
    with own_registry(folder / "registry") as own:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {own.host: {"auth": auth}}}))
        environment = os.environ | {
            "DOCKER_CONFIG": str(folder),
            "COSIGN_PASSWORD": KEY_PASSWORD,
        }
        registry = Registry(own.host, Credentials(USER, PASSWORD))
        yield Workshop(own, folder, registry, Cosign(environment=environment))

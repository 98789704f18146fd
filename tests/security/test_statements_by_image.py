"""Statements about images: of each the newest counts, for a finding and for a verdict."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from builds.models import Build, BuildImage, Image
from security.models import Finding
from supplychain.vex.reading import read_vex
from tests.security.making import built, digest, report, scanned, states, vulnerability
from tests.security.test_statements import OPENSSL, image, openvex, stated, told

pytestmark = pytest.mark.django_db


def say(ci: APIClient, number: int, status: str, product: Any, **parameters: str) -> None:
    """Send document number ``number``, of day ``number``, on CVE-1 in a product."""
    head = {"@id": f"https://vendor.example/vex/{number}"}
    at = f"2026-11-{number:02}T00:00:00Z"
    told(ci, openvex(stated("CVE-1", status, product, timestamp=at), **head), **parameters)


def verdict(ci: APIClient, text: str) -> str:
    return str(ci.get(f"/api/v1/images/{text}/verdict/").data["verdict"])


class TestFindings:
    @pytest.fixture(autouse=True)
    def two_in_use(self, ci: APIClient, project: Project) -> None:
        """CVE-1 in the newest images for production and for staging."""
        built(project, 1)
        built(project, 2, environment="staging")
        for number in (1, 2):
            scanned(ci, report(number, vulnerability("CVE-1")))

    def test_affected_in_one_image_opens_it(self, ci: APIClient):
        say(ci, 1, "not_affected", OPENSSL)
        assert states() == {"CVE-1": "not_affected"}
        say(ci, 2, "affected", image(1, OPENSSL))
        assert states() == {"CVE-1": "open"}
        statement = Finding.objects.get().statement
        assert statement is not None
        assert statement.status == "affected"

    def test_each_image_must_be_not_affected(self, ci: APIClient):
        say(ci, 1, "not_affected", image(1, OPENSSL))
        assert states() == {"CVE-1": "open"}
        assert Finding.objects.get().statement is None
        say(ci, 2, "fixed", image(2, OPENSSL))
        assert states() == {"CVE-1": "not_affected"}

    def test_what_is_newer_of_the_same_image_counts(self, ci: APIClient):
        say(ci, 1, "not_affected", OPENSSL)
        say(ci, 2, "affected", image(1, OPENSSL))
        say(ci, 3, "not_affected", image(1, OPENSSL))
        assert states() == {"CVE-1": "not_affected"}

    def test_what_was_stated_of_one_image_is_not_stated_of_another(self, ci: APIClient):
        say(ci, 1, "affected", image(1, OPENSSL))
        document = read_vex(ci.get("/api/v1/vex/?service=api&format=openvex").content)
        told = [
            (item.status, [product.image_digest for product in item.products])
            for item in document.statements
        ]
        assert told == [
            ("affected", [digest(1)]),
            ("under_investigation", [digest(2)]),
        ]


class TestVerdicts:
    def test_a_name_excuses_older_images_of_that_name_alone(self, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")), image="registry.example/shop/worker:1")
        built(project, 2)
        scanned(ci, report(2, vulnerability("CVE-1")), image="registry.example/shop/api:2")
        say(ci, 1, "not_affected", {"@id": "pkg:oci/api", "subcomponents": [{"@id": OPENSSL}]})
        assert (verdict(ci, digest(1)), verdict(ci, digest(2))) == ("fail", "pass")

    def test_affected_of_the_very_image_counts(self, ci: APIClient, project: Project):
        for number in (1, 2):
            built(project, number)
            scanned(ci, report(number, vulnerability("CVE-1")))
        say(ci, 1, "not_affected", OPENSSL)
        say(ci, 2, "affected", image(1, OPENSSL))
        assert (verdict(ci, digest(1)), verdict(ci, digest(2))) == ("fail", "pass")

    def test_a_statement_outlasts_a_fix_in_newer_images(self, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")))
        say(ci, 1, "not_affected", image(1, OPENSSL))
        assert verdict(ci, digest(1)) == "pass"
        built(project, 2)
        scanned(ci, report(2))
        assert states() == {"CVE-1": "fixed"}
        assert verdict(ci, digest(1)) == "pass"

    def test_a_document_that_was_superseded_excuses_nothing(self, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")))
        told(ci, openvex(stated("CVE-1")))
        assert verdict(ci, digest(1)) == "pass"
        told(ci, openvex(stated("CVE-2"), version=2))
        assert verdict(ci, digest(1)) == "fail"

    def test_an_alias_names_it_too(self, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("GHSA-1", VendorIDs=["CVE-1"])))
        say(ci, 1, "not_affected", OPENSSL)
        assert verdict(ci, digest(1)) == "pass"

    def test_one_of_another_service_excuses_nothing(self, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")))
        scanned(ci, report(None), service="web")
        say(ci, 1, "not_affected", OPENSSL, service="web")
        assert verdict(ci, digest(1)) == "fail"
        say(ci, 2, "not_affected", OPENSSL, service="api")
        assert verdict(ci, digest(1)) == "pass"

    def test_an_index_is_its_images_and_of_several_each_must_be_excused(
        self, ci: APIClient, project: Project
    ):
        build = built(project, 1)
        Build.objects.filter(pk=build.pk).update(image_digest=digest(77))
        kind = "application/vnd.oci.image.index.v1+json"
        for number, platform, media_type in ((77, "", kind), (2, "linux/arm64", "")):
            made = Image.objects.create(
                project=project, digest=digest(number), platform=platform, media_type=media_type
            )
            BuildImage.objects.create(build=build, image=made)
        for number in (1, 2):
            scanned(ci, report(number, vulnerability("CVE-1")))
        say(ci, 1, "not_affected", image(1, OPENSSL))
        assert (verdict(ci, digest(1)), verdict(ci, digest(77))) == ("pass", "fail")
        say(ci, 2, "not_affected", image(77, OPENSSL))
        assert {verdict(ci, digest(number)) for number in (1, 2, 77)} == {"pass"}

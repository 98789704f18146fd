"""Bills of materials and packages on the wire."""

from typing import Any

from rest_framework import serializers

from sboms.models import PackageVersion, Sbom, SbomPackage


class SbomSerializer(serializers.ModelSerializer[Sbom]):
    """A bill of materials, without its packages."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    service = serializers.SlugField(source="service.slug", default=None)
    build = serializers.UUIDField(source="build.public_id", default=None)
    image_digest = serializers.CharField(
        source="image.digest", default=None, help_text="Of the image here, if it is known."
    )
    is_waiting = serializers.SerializerMethodField(
        help_text="No build is known that made its image: searches do not find it yet."
    )
    in_use_from = serializers.DateTimeField(source="in_use.lower", default=None)
    in_use_until = serializers.DateTimeField(
        source="in_use.upper",
        default=None,
        help_text="When a newer image of the same target, variant, environment, platform and class "
        "of branch was built; null while there is none.",
    )

    class Meta:
        model = Sbom
        fields = (
            "id",
            "project",
            "service",
            "build",
            "image_name",
            "image_digest",
            "digests",
            "sha256",
            "format",
            "spec_version",
            "name",
            "tools",
            "source",
            "signature",
            "signed_by",
            "created_at",
            "received_at",
            "package_count",
            "is_waiting",
            "in_use_from",
            "in_use_until",
            "problems",
        )
        read_only_fields = fields

    def get_is_waiting(self, sbom: Sbom) -> bool:
        """Whether it waits for a build of its image."""
        return sbom.lineage_id is None


class PackageSerializer(serializers.ModelSerializer[PackageVersion]):
    """One version of a package."""

    class Meta:
        model = PackageVersion
        fields = ("ecosystem", "namespace", "name", "version", "purl", "licences", "supplier")
        read_only_fields = fields


class ListedPackageSerializer(serializers.ModelSerializer[SbomPackage]):
    """A package that a bill lists."""

    package = PackageSerializer(source="package_version")

    class Meta:
        model = SbomPackage
        fields = ("package", "is_direct")
        read_only_fields = fields


class FoundSerializer(serializers.ModelSerializer[SbomPackage]):
    """A package in an image."""

    package = PackageSerializer(source="package_version")
    sbom = serializers.UUIDField(source="sbom.public_id")
    service = serializers.SlugField(source="sbom.service.slug", default=None)
    build = serializers.UUIDField(source="sbom.build.public_id", default=None)
    image_name = serializers.CharField(source="sbom.shown_name")
    image_digest = serializers.CharField(source="sbom.image.digest", default=None)
    branch_class = serializers.CharField(source="sbom.lineage.branch_class")
    target = serializers.CharField(source="sbom.lineage.target")
    variant = serializers.CharField(source="sbom.lineage.variant")
    environment = serializers.CharField(source="sbom.lineage.environment")
    platform = serializers.CharField(source="sbom.lineage.platform")
    in_use_from = serializers.DateTimeField(source="sbom.in_use.lower")
    in_use_until = serializers.DateTimeField(source="sbom.in_use.upper")

    class Meta:
        model = SbomPackage
        fields = (
            "package",
            "is_direct",
            "sbom",
            "service",
            "build",
            "image_name",
            "image_digest",
            "branch_class",
            "target",
            "variant",
            "environment",
            "platform",
            "in_use_from",
            "in_use_until",
        )
        read_only_fields = fields


class UndecidedSerializer(serializers.Serializer[Any]):
    """A version of which it cannot be told whether it is in the range asked for."""

    ecosystem = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    reason = serializers.CharField()


class PackageChangeSerializer(serializers.Serializer[Any]):
    """What became of one package from one bill to another."""

    kind = serializers.CharField(
        help_text="added, removed, upgraded, downgraded, licence, or changed: to a version of "
        "which it is not known whether it is newer."
    )
    ecosystem = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    before = serializers.CharField(help_text="Empty if it was not there.")
    after = serializers.CharField(help_text="Empty if it is not there.")
    licences_before = serializers.ListField(child=serializers.CharField())
    licences_after = serializers.ListField(child=serializers.CharField())
    is_relicensed = serializers.BooleanField()


class DifferenceSerializer(serializers.Serializer[Any]):
    """What changed from ``against`` to this bill."""

    sbom = serializers.UUIDField(source="after.public_id")
    against = serializers.UUIDField(source="before.public_id")
    counts = serializers.DictField(child=serializers.IntegerField())
    changes = PackageChangeSerializer(many=True)

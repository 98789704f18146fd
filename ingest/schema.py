"""How uploads look in OpenAPI."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

NDJSON_HELP = """\
Send what BuildKit emits, as it is, and what your CI knows beside it.

Any of the file parts may come alone, and more may follow later: pieces with the same BuildKit ref,
or with the same service and `pipeline_run_id`, meet in one build.

`application/x-ndjson` takes many small builds in one body, one JSON object a line: form fields as
texts, and parts as base64 (`record` must be), as `{"text": "…"}` or as plain JSON. Each line has
its own result; 207 if some lines were refused."""


TRIVY_HELP = """\
Send a report as the scanner wrote it; which format it is, is recognised.

Its image is known by `digest`, or by the digests in the report. If no build is known that made it,
the report is kept, and read again once there is one."""

TRIVY_PARAMETERS = [
    OpenApiParameter(name, OpenApiTypes.STR, description=text)
    for name, text in (
        ("image", "The image's name; else as the report has it."),
        ("digest", "Of the image's manifest or index; needed where the report has none."),
        ("service", "Needed if the report names no image by its digest."),
        ("target", "Of what is no image of a known build."),
        ("variant", "Likewise."),
        ("environment", "Likewise."),
        (
            "scanners",
            "What was looked for, of vuln, misconfig, secret, license; by commas. Without it a"
            " report of CycloneDX or of licences that has no vulnerability has not looked for any.",
        ),
        ("severities", "Severities that were asked for, if not all; by commas."),
        ("ignore_unfixed", "Whether what has no fix was left out: true or false."),
        ("pkg_types", "Packages that were looked at, of os, library; by commas."),
        ("scanner_version", "As `trivy version` says, where the report does not."),
        ("database_version", "Likewise, of the vulnerability database."),
        ("database_updated_at", "Likewise, when the database was made; ISO 8601."),
    )
]


SBOM_HELP = """\
Send SPDX 2.2 or 2.3 or CycloneDX as JSON, alone, in an in-toto statement or in a DSSE envelope;
which it is, is recognised.

Its image is known by `digest`, or by the digests in it. If no build is known that made it, the
SBOM is kept, and counts once there is one."""

SBOM_PARAMETERS = [
    OpenApiParameter(name, OpenApiTypes.STR, description=text)
    for name, text in (
        ("image", "The image's name."),
        ("digest", "Of the image's manifest or index; needed where the SBOM has none."),
        ("service", "Needed if neither the SBOM nor `digest` names an image."),
        ("target", "Of what is no image of a known build."),
        ("variant", "Likewise."),
        ("environment", "Likewise."),
        ("source", "Where beside the image of `digest` it lay: index, tag or referrer."),
        ("signature", "What you know of it: unsigned, unchecked, foreign or verified."),
        ("signed_by", "The keys that it was verified with, by your names for them; by commas."),
    )
]

VEX_HELP = """\
Send OpenVEX or CycloneDX VEX as it is; which it is, is recognised.

A newer version of a document, known by its id, takes the place of the older ones. Of several
statements about one finding the newest counts."""

VEX_PARAMETERS = [
    OpenApiParameter(
        "service",
        OpenApiTypes.STR,
        description="What it is about: then a product that is neither image nor package is this.",
    )
]


class UploadForm(serializers.Serializer[Any]):
    """The multipart form of ``ingest/buildkit/``."""

    record = serializers.FileField(
        required=False, help_text="A .dockerbuild bundle: `docker buildx history export`."
    )
    progress = serializers.FileField(
        required=False, help_text="What `--progress=rawjson` wrote to stderr."
    )
    metadata = serializers.FileField(required=False, help_text="The `--metadata-file`.")
    provenance = serializers.FileField(
        required=False, help_text="SLSA provenance: predicate, in-toto statement or DSSE envelope."
    )
    resources = serializers.FileField(
        required=False, help_text="Builder-wide samples, JSON lines; see docs/ingest.md."
    )
    context = serializers.FileField(  # type: ignore[assignment]
        required=False, help_text="File digests of the build context, JSON; kept for later."
    )
    service = serializers.CharField(
        required=False, max_length=100, help_text="Needed unless the record names it."
    )
    variant = serializers.CharField(required=False, max_length=60)
    environment = serializers.CharField(required=False, max_length=60)
    repository_url = serializers.CharField(required=False, max_length=500)
    ref_name = serializers.CharField(required=False, max_length=250)
    revision = serializers.CharField(required=False, max_length=100)
    change_id = serializers.CharField(required=False, max_length=100)
    author = serializers.CharField(
        required=False, max_length=200, help_text="Name of the revision's author; no address."
    )
    pipeline_name = serializers.CharField(required=False, max_length=200)
    pipeline_run_id = serializers.CharField(required=False, max_length=200)
    pipeline_run_url = serializers.URLField(required=False, max_length=500)
    trigger = serializers.CharField(required=False, max_length=60)
    cache_to = serializers.CharField(required=False, max_length=2000)

"""How uploads look in OpenAPI."""

from typing import Any

from rest_framework import serializers

NDJSON_HELP = """\
Send what BuildKit emits, as it is, and what your CI knows beside it.

Any of the file parts may come alone, and more may follow later: pieces with the same BuildKit ref,
or with the same service and `pipeline_run_id`, meet in one build.

`application/x-ndjson` takes many small builds in one body, one JSON object a line: form fields as
texts, and parts as base64 (`record` must be), as `{"text": "…"}` or as plain JSON. Each line has
its own result; 207 if some lines were refused."""


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

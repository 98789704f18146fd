"""Rows of images for the pages that are timed: what following builds would have left behind."""

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.models import Project
from builds.models import Image, Service
from sizes.models import ImageContents, InstructionSize, SizedImage

LAYERS = 10
HELD_DAYS = 40
"""For so long an instruction adds the same, then something else from the next image on.

So the pages have as many changes to show of few builds as of many.
"""

IMAGES = """
INSERT INTO builds_image
    (project_id, digest, platform, media_type, names, size_bytes, config_digest)
SELECT DISTINCT project_id, image_digest, 'linux/amd64', '', '{}'::varchar[],
    150000000 + hashtext(image_digest) %% 10000000, ''
FROM builds_build WHERE id > %(after)s::bigint AND image_digest <> ''
ON CONFLICT DO NOTHING
"""

LINKS = """
INSERT INTO builds_buildimage (build_id, image_id)
SELECT b.id, i.id FROM builds_build b
JOIN builds_image i ON i.project_id = b.project_id AND i.digest = b.image_digest
WHERE b.id > %(after)s::bigint
"""

LAYER_ROWS = """
INSERT INTO builds_layer
    (image_id, position, digest, diff_id, media_type, size_bytes, created_by, empty)
SELECT i.id, l, 'sha256:' || md5(i.id::text || l), '', '', 15000000, 'RUN apk add package-' || l,
    false
FROM builds_image i, generate_series(1, %(layers)s::int) AS l
WHERE i.project_id = %(project)s::bigint
    AND NOT EXISTS (SELECT 1 FROM builds_layer WHERE image_id = i.id)
"""

SIZED = """
INSERT INTO sizes_sizedimage
    (service_id, target, variant, platform, number, build_id, image_id, at, size_bytes)
SELECT b.service_id, b.target, b.variant, i.platform,
    row_number() OVER (PARTITION BY b.service_id ORDER BY b.listed_at, b.id), b.id, i.id,
    b.listed_at, i.size_bytes
FROM builds_build b
JOIN builds_buildimage l ON l.build_id = b.id JOIN builds_image i ON i.id = l.image_id
WHERE b.project_id = %(project)s::bigint
"""

STAIRS = """
INSERT INTO sizes_instructionsize (service_id, target, variant, platform, instruction, name,
    position, build_id, at, number, before_bytes, after_bytes, until, builds)
SELECT service_id, target, variant, platform, instruction, name, position, build_id, at, number,
    lag(bytes) OVER stair, bytes, lead(at) OVER stair, lead(number) OVER stair - number
FROM (
    SELECT DISTINCT ON (service_id, position, period) *,
        CASE position WHEN 1 THEN 'FROM node' ELSE 'RUN apk add package-' || position END
            AS instruction,
        CASE position WHEN 1 THEN 'FROM node:' || period %% 3
            ELSE 'RUN apk add package-' || position END AS name,
        1000000 * (10 + period %% 7) AS bytes
    FROM (
        SELECT s.*, l AS position,
            (extract(epoch FROM s.at) / 86400 + 4 * l)::int / %(held)s::int AS period
        FROM sizes_sizedimage s JOIN builds_service v ON v.id = s.service_id,
            generate_series(1, %(layers)s::int) AS l
        WHERE v.project_id = %(project)s::bigint
    ) AS dated
    ORDER BY service_id, position, period, number
) AS changed
WINDOW stair AS (PARTITION BY service_id, target, variant, platform, instruction ORDER BY number)
"""

WASTE = {
    "path": "var/cache/apk/index.tar.gz",
    "bytes": 2_000_000,
    "reason": "removed",
    "instruction": "RUN apk add package-2",
    "by": "RUN apk add package-3",
}
TOOL = {
    "name": "gcc",
    "why": "Compilers are for the stage that builds.",
    "bytes": 90_000_000,
    "files": 400,
    "path": "usr/bin/gcc",
    "instruction": "RUN apk add package-4",
}


def add_images(project: Project, after: int) -> None:
    """Add images of the builds after that key, and make what is followed of all of them anew.

    Builds that are added lie between those that were there: all images are counted again.
    """
    SizedImage.objects.filter(service__project=project).delete()
    InstructionSize.objects.filter(service__project=project).delete()
    values = {"project": project.pk, "after": after, "layers": LAYERS, "held": HELD_DAYS}
    with connection.cursor() as cursor:
        for statement in (IMAGES, LINKS, LAYER_ROWS, SIZED, STAIRS):
            cursor.execute(statement, values)
    _add_contents(project)


def _add_contents(project: Project) -> None:
    """Add what was read of the newest image of each service: of others nothing is."""
    of_service = SizedImage.objects.filter(service=OuterRef("pk")).order_by("-number")
    newest = Service.objects.filter(project=project).annotate(
        newest=Subquery(of_service.values("image")[:1])
    )
    ImageContents.objects.bulk_create(
        (
            ImageContents(
                image=image,
                wasted_bytes=2_000_000,
                wasted=[WASTE],
                tools=[TOOL],
                total_bytes=300_000_000,
                read_at=timezone.now(),
            )
            for image in Image.objects.filter(pk__in=newest.values("newest"))
        ),
        ignore_conflicts=True,
    )

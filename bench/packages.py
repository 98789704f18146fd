"""Who has a package, in many bills of materials against few.

Each image has 400 packages and each lineage 10 images, so what is in use grows with the table. One
package is in every image, and one in five images that are in use, however many there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project
from bench.database import copy_database
from bench.few_and_many import compare, tell
from builds.branches import BranchClass
from builds.models import Service
from sboms.models import SbomPackage
from security.models import Lineage

FEW = 200_000
SIZES = {"small": 2_000_000, "medium": 5_000_000, "full": 20_000_000}
LISTED = 400
DEPTH = 10
NAMES = 4_000
VERSIONS = 10
WITH_RARE = 5
AT_ONCE = 50
"""Lineages whose rows are made in one statement."""

TARGET = 3.0

PACKAGES = """
INSERT INTO sboms_packageversion (project_id, key, ecosystem, namespace, name, version, purl,
    licences, supplier)
SELECT %(project)s::bigint, decode(md5(n || '/' || v), 'hex'),
    CASE n WHEN 0 THEN 'maven' ELSE 'npm' END,
    CASE n WHEN 0 THEN 'org.apache.logging.log4j' ELSE '' END,
    CASE n WHEN 0 THEN 'log4j-core' WHEN 1 THEN 'everywhere' ELSE 'package-' || n END,
    '2.' || 8 + v || '.0', '', '{MIT}', ''
FROM generate_series(0, %(names)s::int) AS n, generate_series(0, %(versions)s::int - 1) AS v
ORDER BY n, v
"""

BILLS = """
INSERT INTO sboms_sbom (public_id, project_id, service_id, lineage_id, image_name, digests, sha256,
    format, spec_version, name, tools, source, received_at, package_count, problems, since, in_use)
SELECT gen_random_uuid(), l.project, l.service_id, l.id, 'shop/' || l.service_id,
    ARRAY['sha256:' || repeat(md5(l.id || '/' || k), 2)], repeat(md5(l.id || '/' || k), 2),
    'spdx', '2.3', '', '{}', 'uploaded', l.at, %(listed)s::int, '[]', l.at,
    tstzrange(l.at, CASE WHEN k < %(depth)s::int THEN l.at + interval '1 day' END)
FROM (SELECT lineage.*, k, %(project)s::bigint AS project,
        %(now)s::timestamptz - (%(depth)s::int + 1 - k) * interval '1 day' AS at
    FROM security_lineage lineage, generate_series(1, %(depth)s::int) AS k
    WHERE lineage.id BETWEEN %(first)s::bigint AND %(last)s::bigint) AS l
"""

LISTINGS = """
INSERT INTO sboms_sbompackage (package_version_id, sbom_id, is_direct, is_in_use)
SELECT %(package)s::bigint + s.version + %(versions)s::int * CASE
        WHEN j = 0 THEN CASE WHEN s.number <= %(rare)s::int THEN 0 ELSE %(names)s::int END
        WHEN j = 1 THEN 1
        ELSE 2 + (s.number * 7919 + j * 101) %% (%(names)s::int - 2) END,
    s.id, j %% 4 = 0, upper_inf(s.in_use)
FROM (SELECT id, in_use, lineage_id - %(lineage)s::bigint + 1 AS number,
        (row_number() OVER (PARTITION BY lineage_id ORDER BY since) - 1)
            / (%(depth)s::int / %(versions)s::int) AS version
    FROM sboms_sbom WHERE lineage_id BETWEEN %(first)s::bigint AND %(last)s::bigint) AS s,
    generate_series(0, %(listed)s::int - 1) AS j
"""

QUESTIONS = {
    "rare": "name=log4j-core&version=<=2.17",
    "everywhere": "name=everywhere&version=>=2.10",
    "rare_at_a_date": "name=log4j-core&version=<2.17&at={at}",
    "everywhere_at_a_date": "name=everywhere&version=<2.17&at={at}",
}


def add_lineages(project: Project, count: int) -> tuple[int, int]:
    """Make services, each with a lineage; return the first and last primary key of these."""
    start = Service.objects.filter(project=project).count()
    names = [f"Packages {number}" for number in range(start, start + count)]
    services = Service.objects.bulk_create(
        Service(project=project, name=name, slug=name.lower().replace(" ", "-")) for name in names
    )
    lineages = Lineage.objects.bulk_create(
        Lineage(service=service, branch_class=BranchClass.DEFAULT) for service in services
    )
    return lineages[0].pk, lineages[-1].pk


def prepare(project: Project) -> dict[str, Any]:
    """Make the packages; return what the statements need."""
    values: dict[str, Any] = {
        "project": project.pk,
        "names": NAMES,
        "versions": VERSIONS,
        "listed": LISTED,
        "depth": DEPTH,
        "rare": WITH_RARE,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(PACKAGES, values)
        cursor.execute("SELECT min(id) FROM sboms_packageversion")
        values["package"] = cursor.fetchone()[0]
    return values


def fill(project: Project, values: dict[str, Any], rows: int) -> None:
    """Add bills until there are as many rows more."""
    first, last = add_lineages(project, rows // (LISTED * DEPTH))
    values.setdefault("lineage", first)
    with bare_table():
        for start in range(first, last + 1, AT_ONCE):
            some: dict[str, Any] = {**values, "first": start}
            some["last"] = min(start + AT_ONCE - 1, last)
            with connection.cursor() as cursor:
                cursor.execute(BILLS, some)
                cursor.execute(LISTINGS, some)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def bare_table() -> Iterator[None]:
    """Have no keys and indexes of what is listed while the block runs: they are made at once."""
    key = "ALTER TABLE sboms_sbompackage"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"{key} DROP CONSTRAINT sboms_sbompackage_pkey")
        for index in SbomPackage._meta.indexes:  # noqa: SLF001
            cursor.execute(f"DROP INDEX {index.name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"{key} ADD PRIMARY KEY (package_version_id, sbom_id)")
        cursor.execute("SET session_replication_role = DEFAULT")
    with connection.schema_editor() as editor:
        for index in SbomPackage._meta.indexes:  # noqa: SLF001
            editor.add_index(SbomPackage, index)


def run(project: Project, secret: str, size: str) -> None:
    """Print a line for each question: few and many rows in turn, the best of each."""
    client = APIClient(SERVER_NAME="localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    values = prepare(project)
    fill(project, values, FEW)
    few = "few_packages"
    many = copy_database(few)
    fill(project, values, SIZES[size] - FEW)
    for name, compared in compare(client.get, addresses, few, many).items():
        floor_is = f"the same at {FEW} rows"
        tell(f"packages_{name}", compared, most=TARGET, floor_is=floor_is, rows=SIZES[size])
    forget(few)


def addresses() -> dict[str, str]:
    """Return what is asked; the date is in the middle of all bills."""
    at = (timezone.now() - timedelta(days=DEPTH // 2)).date()
    return {name: f"/api/v1/packages/?{text.format(at=at)}" for name, text in QUESTIONS.items()}


def forget(few: str) -> None:
    """Give the space back to the benchmarks that follow."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sboms_sbom, sboms_packageversion CASCADE")
        cursor.execute(f'DROP DATABASE "{few}"')

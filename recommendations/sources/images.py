"""What need not be in images: development tools, files that are replaced, larger bases."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import Project
from buildinsights.templatetags.formats import filesize
from recommendations.drafts import WEEKS, WINDOW, Draft
from recommendations.models import Kind, Unit
from sizes.growth import Growth
from sizes.images_page import line_of, newest_images
from sizes.models import InstructionSize, SizedImage
from sizes.sisters import base_of, bases_of

MOST = 100
"""Newest images of a project that are looked at."""

NAMED = 3


def from_images(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield what the newest image of each group could do without, at the images of four weeks."""
    stairs = InstructionSize.objects.filter(service__project=project).standing()
    newest = newest_images(SizedImage.objects.newest_of(stairs)).filter(at__gte=now - WINDOW)
    for row in newest.order_by("-at", "-pk")[:MOST]:
        count = Growth(row).images.filter(at__gte=now - WINDOW, at__lte=now).count()
        yield from _of_image(row, count)


def _of_image(row: Any, count: int) -> Iterator[Draft]:
    line = line_of(row)
    if line["is_production"] and line["tools_bytes"]:
        yield _tools(row, count, line["tools_bytes"])
    if line["wasted_bytes"]:
        yield _wasted(row, count, line["wasted_bytes"])
    growth = Growth(row)
    base = base_of(growth)
    bases = bases_of(growth, base) if base else []
    if base and bases:
        yield _base(row, count, base.name.removeprefix("FROM "), bases[0])


def _draft(row: Any, kind: Kind, count: int, size: int, **told: Any) -> Draft:
    return Draft(
        kind=kind,
        key=f"{row.service_id}\n{row.target}\n{row.variant}\n{row.platform}",
        unit=Unit.BYTES,
        worth=size * count / WEEKS,
        service=row.service,
        target=row.target,
        variant=row.variant,
        page=reverse("sizes:image", args=[row.service.project.slug, row.image.digest]),
        builds=count,
        examples=(row.build.buildkit_ref,) if row.build.buildkit_ref else (),
        measure="image_bytes",
        **told,
    )


def _made(row: Any, count: int) -> str:
    plural = "" if count == 1 else "s"
    return f"{count} image{plural} of {row.group} were made in four weeks."


def _tools(row: Any, count: int, size: int) -> Draft:
    tools = row.image.contents.tools
    names = ", ".join(f"{tool['name']} ({filesize(tool['bytes'])})" for tool in tools[:NAMED])
    return _draft(
        row,
        Kind.TOOLS,
        count,
        size,
        title=f"Keep development tools out of {row.service.name}",
        why=(f"Its newest image for production has {names}, not compressed.", _made(row, count)),
        how=tuple(f"{tool['name']}: {tool['why']}" for tool in tools[:NAMED]),
        is_upper_bound=True,
    )


def _wasted(row: Any, count: int, size: int) -> Draft:
    files = ", ".join(f"/{item['path']}" for item in row.image.contents.wasted[:NAMED])
    return _draft(
        row,
        Kind.WASTE,
        count,
        size,
        title=f"Remove files of {row.service.name} in the layer that brings them",
        why=(
            f"{filesize(size)}, not compressed, lie in a layer and are replaced or removed by a "
            f"later one: {files}.",
            _made(row, count),
        ),
        how=("Remove them in the same instruction, or copy what is needed from a stage.",),
        is_upper_bound=True,
    )


def _base(row: Any, count: int, name: str, base: Any) -> Draft:
    seen = "This service was built on it before." if base.was_here else "It was not tried here."
    return _draft(
        row,
        Kind.BASE,
        count,
        base.saved_bytes,
        title=f"Build {row.service.name} on {base.name}",
        why=(
            f"Its layers are {filesize(base.saved_bytes)} smaller than those of {name}, as a build "
            f"of {base.build.service.name} has measured. {seen}",
            _made(row, count),
        ),
        how=(f"`FROM {base.name}`, and run the tests: what it lacks may be needed.",),
    )

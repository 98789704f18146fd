"""Pages of docs/ that other pages lead to."""

from functools import cache
from itertools import pairwise

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt


def troubleshooting(request: HttpRequest) -> HttpResponse:
    """What to do about what the cache's pages say."""
    return render(request, "help.html", {"text": rendered("troubleshooting.md")})


@cache
def rendered(name: str) -> SafeString:
    """Return a document of ours as HTML without its title; each heading can be linked to."""
    source = (settings.BASE_DIR / "docs" / name).read_text()
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(source.partition("\n")[2])
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(inline.content))
        if opening.type == "table_open":
            opening.attrSet("class", "table")
    html: str = parser.renderer.render(tokens, parser.options, {})
    return mark_safe(html)  # noqa: S308  # the text is ours

"""Pages of docs/ that other pages lead to."""

from collections.abc import Iterator, Sequence
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token


def troubleshooting(request: HttpRequest) -> HttpResponse:
    """What to do about what the cache's pages say."""
    return render(request, "help.html", {"text": rendered("troubleshooting.md")})


@cache
def rendered(name: str) -> SafeString:
    """Return a document of ours as HTML without its title; each heading can be linked to."""
    source = (settings.BASE_DIR / "docs" / name).read_text()
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_addressed(parser.parse(source.partition("\n")[2])))
    html: str = parser.renderer.render(tokens, parser.options, {})
    return mark_safe(html)  # noqa: S308  # the text is ours


def _addressed(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield tokens with an id for each heading, and its words as the caption of tables below."""
    heading = ""
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[number + 1].content
            token.attrSet("id", slugify(heading))
        yield token
        if token.type == "table_open":
            token.attrSet("class", "table")
            caption = f'<caption class="visually-hidden">{escape(heading)}</caption>'
            yield Token("html_block", "", 0, content=caption)

"""Pages of docs/ that other pages lead to."""

from collections.abc import Iterator, Sequence
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

GUIDES = {
    "alerts": "Alerts",
    "channels": "Channels",
    "reports": "Reports",
    "audit": "Audit trail",
    "troubleshooting": "Cache misses",
}
"""Documents that the image of the server has (see .dockerignore), and what they are called."""


def guide(request: HttpRequest, name: str) -> HttpResponse:
    """One document."""
    if name not in GUIDES:
        raise Http404
    title, text = rendered(f"{name}.md")
    tabs = [
        {"label": label, "href": reverse("guide", args=[each]), "current": each == name}
        for each, label in GUIDES.items()
    ]
    return render(request, "help.html", {"title": title, "text": text, "tabs": tabs})


@cache
def rendered(name: str) -> tuple[str, SafeString]:
    """Return a document of ours: its title, and the rest as HTML with headings to link to."""
    title, _, source = (settings.BASE_DIR / "docs" / name).read_text().partition("\n")
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_addressed(parser.parse(source)))
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children))
    html: str = parser.renderer.render(tokens, parser.options, {})
    return title.lstrip("# "), mark_safe(html)  # noqa: S308  # the text is ours


def _linked(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield tokens with links among the guides; those to other documents are words alone."""
    is_left_out = False
    for token in tokens:
        if token.type == "link_open":
            document, _, place = str(token.attrGet("href")).partition("#")
            is_ours = document.endswith(".md")
            is_left_out = is_ours and document.removesuffix(".md") not in GUIDES
            if is_ours and not is_left_out:
                address = reverse("guide", args=[document.removesuffix(".md")])
                token.attrSet("href", f"{address}#{place}" if place else address)
        if not (is_left_out and token.type in {"link_open", "link_close"}):
            yield token


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

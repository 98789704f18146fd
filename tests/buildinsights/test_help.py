"""Guides: a heading for each symptom that a page links to, links that lead somewhere, sign-in."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils.text import slugify

from accounts.models import User
from buildinsights.help import GUIDES
from buildkit.explaining import MEANINGS

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "/help/troubleshooting/"


@pytest.mark.django_db
def test_each_cause_and_flag_has_its_heading(client_of: Callable[[User], Client], bob: User):
    page = client_of(bob).get(ADDRESS).content.decode()
    flags = re.findall(r'Flag\(\s*"[a-z-]+",\s*"([^"]+)"', (ROOT / "cache/flags.py").read_text())
    assert len(flags) == 6
    for title in [*(meaning.title for meaning in MEANINGS.values()), *flags]:
        assert f'<h2 id="{slugify(title)}">' in page, title


@pytest.mark.django_db
def test_it_is_for_those_who_signed_in():
    assert Client().get(ADDRESS).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("name", GUIDES)
def test_links_of_a_guide_lead_to_headings_of_guides(
    name: str, client_of: Callable[[User], Client], bob: User
):
    client = client_of(bob)
    page = client.get(f"/help/{name}/").content.decode()
    text = page.partition("<article")[2].partition("</article>")[0]
    links = re.findall(r'href="([^"]+)"', text)
    assert ".md" not in " ".join(links)
    for link in links:
        address, _, place = link.partition("#")
        if not address.startswith("https://"):
            there = client.get(address or f"/help/{name}/")
            assert there.status_code == 200, link
            assert not place or f'id="{place}"' in there.content.decode(), link


@pytest.mark.django_db
def test_another_document_is_no_guide(client_of: Callable[[User], Client], bob: User):
    assert client_of(bob).get("/help/operations/").status_code == 404


@pytest.mark.parametrize("name", GUIDES)
def test_the_image_of_the_server_has_the_guide(name: str):
    assert f"!docs/{name}.md" in (ROOT / ".dockerignore").read_text().splitlines()

"""The troubleshooting guide: a heading for each symptom that a page links to, and sign-in first."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils.text import slugify

from accounts.models import User
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


def test_the_image_of_the_server_has_the_guide():
    assert "!docs/troubleshooting.md" in (ROOT / ".dockerignore").read_text().splitlines()

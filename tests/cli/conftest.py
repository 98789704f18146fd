"""Fixtures of the command line: a home of its own, a stand-in for trivy, a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.standing_in import Ingest, StandIn, ingesting, make_stand_in


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of this test alone, and no server."""
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    for name in ("BUILDINSIGHTS_URL", "BUILDINSIGHTS_TOKEN", "GITHUB_STEP_SUMMARY", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in for trivy, first on PATH."""
    made = make_stand_in(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.path}:/usr/local/bin:/usr/bin:/bin")
    return made


@pytest.fixture
def ingest(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    """A server that takes reports, and the settings that lead to it."""
    with ingesting() as server:
        monkeypatch.setenv("BUILDINSIGHTS_URL", server.url)
        monkeypatch.setenv("BUILDINSIGHTS_TOKEN", "bi_token")
        yield server

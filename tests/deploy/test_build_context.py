"""What `docker build` is given of a checkout: the code, and nothing that is kept beside it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from buildinsights.help import GUIDES

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "audit", "buildinsights", "cli", "templates", "static", "requirements")
KEPT_BESIDE = (
    ".env",
    "builds.dump",
    "pip.conf",
    "audit.pem",
    "accounts/audit.pem",
    "settings.tar.gz",
    "compose.override.yml",
    "deploy/secrets/secret_key",
    "deploy/registries/main/config.json",
)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context of a checkout in which somebody operates the server, as BuildKit got it."""
    checkout, sent = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("sent")
    for name in ("manage.py", ".dockerignore", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    for app in APPS:
        shutil.copytree(ROOT / app, checkout / app)
    shutil.copytree(ROOT / "docs", checkout / "docs")
    shutil.copytree(ROOT / "deploy", checkout / "deploy", ignore=shutil.ignore_patterns("secrets"))
    for name in KEPT_BESIDE:
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    subprocess.run(
        [
            "docker",
            "buildx",
            "build",
            "--quiet",
            f"--output=type=local,dest={sent}",
            "--file=-",
            checkout,
        ],
        input=b"FROM scratch\nCOPY . /\n",
        check=True,
        capture_output=True,
    )
    return sent


@pytest.mark.engine
def test_what_is_kept_beside_the_code_stays_out(sent: Path) -> None:
    assert [name for name in KEPT_BESIDE if (sent / name).exists()] == []
    assert [file.name for file in sent.iterdir() if file.is_file()] == ["manage.py"]


@pytest.mark.engine
def test_all_that_runs_is_in_it(sent: Path) -> None:
    assert {path.name for path in sent.iterdir() if path.is_dir()} == {*APPS, "deploy", "docs"}
    assert {file.stem for file in (sent / "docs").iterdir()} == set(GUIDES)
    assert (sent / "deploy" / "healthcheck.py").exists()
    assert (sent / "requirements" / "server.txt").exists()

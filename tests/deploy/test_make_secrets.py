"""``deploy/make-secrets`` writes secrets that fit together, once."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A copy of the script, which writes beside itself."""
    return Path(shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path))


def run(script: Path) -> dict[str, str]:
    """Run the script; return the secrets by name."""
    subprocess.run([script], check=True, capture_output=True)
    return {file.name: file.read_text() for file in (script.parent / "secrets").iterdir()}


def test_the_database_address_holds_the_password(script: Path) -> None:
    secrets = run(script)
    names = {"secret_key", "postgres_password", "database_url", "email_url", "audit_signing_key"}
    assert set(secrets) == names
    assert f":{secrets['postgres_password']}@postgres:5432/" in secrets["database_url"]
    assert len(secrets["secret_key"]) == 64
    assert secrets["secret_key"] != secrets["postgres_password"]


def test_only_the_owner_can_enter_the_directory(script: Path) -> None:
    run(script)
    directory = script.parent / "secrets"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o644}


def test_an_address_of_a_mail_server_is_kept(script: Path) -> None:
    assert run(script)["email_url"] == ""
    file = script.parent / "secrets" / "email_url"
    file.write_text("smtp://mail:25")
    assert run(script)["email_url"] == "smtp://mail:25"


def test_a_second_run_keeps_them(script: Path) -> None:
    assert run(script) == run(script)


def test_there_is_a_directory_for_credentials_of_registries(script: Path) -> None:
    run(script)
    assert (script.parent / "registries").is_dir()

"""docker-compose.yml: no more rights than are needed, and each setting reaches the server."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.buildinsights.test_env_example import variables_read

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVER = ("web", "worker", "caches", "scheduler", "migrate")
GIVEN_BY_THE_IMAGE = {"LOG_JSON"}
FOR_WORKERS_THAT_BUILD = {
    "BUILD_WORK_DIR",
    "BUILD_KEYS_DIR",
    "BUILD_SOURCE_ROOTS",
    "BUILD_VARIABLES",
    "BUILD_SECRETS",
}
FOR_DEVELOPMENT = {"DEBUG"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_gets_more_rights_or_fills_the_disk_with_logs(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@pytest.mark.parametrize("name", sorted({*SERVICES} - {"postgres"}))
def test_only_the_database_writes_to_its_disk(name: str) -> None:
    assert SERVICES[name]["read_only"]
    assert "cap_add" not in SERVICES[name]


@pytest.mark.parametrize("name", SERVER)
def test_each_setting_reaches_the_server(name: str) -> None:
    given = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
    given |= {"AUDIT_SIGNING_KEY_FILE"}
    read = variables_read((ROOT / "buildinsights" / "settings.py").read_text())
    assert read - given == GIVEN_BY_THE_IMAGE | FOR_WORKERS_THAT_BUILD | FOR_DEVELOPMENT


@pytest.mark.parametrize("name", SERVER)
def test_each_secret_that_is_named_is_mounted(name: str) -> None:
    named = [
        str(value).removeprefix("/run/secrets/")
        for value in SERVICES[name]["environment"].values()
        if str(value).startswith("/run/secrets/")
    ]
    assert sorted(named) == sorted(SERVICES[name]["secrets"])


def test_every_queue_has_a_worker() -> None:
    taken = {
        queue
        for service in SERVICES.values()
        for part in service.get("command", [])
        if part.startswith("--queues=")
        for queue in part.removeprefix("--queues=").split(",")
    }
    assert taken == set(settings.CELERY_TASK_QUEUES) - set(settings.BUILD_QUEUES)


def test_bake_needs_no_leave_to_read_what_compose_names() -> None:
    """Bake takes this file beside docker-bake.hcl, and joins targets of one name."""
    for service in SERVICES.values():
        assert "secrets" not in service.get("build", {})

"""System checks speak up for unsafe combinations, and only for these."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings

from buildinsights.checks import (
    DEBUG_IN_PUBLIC,
    PLAIN_HTTP,
    SHORT_SECRET_KEY,
    UNSHARED_BROKER,
    check_broker,
    check_debug,
    check_https,
    check_secret_key,
    remote_hosts,
)

LOCAL = ["localhost", "127.0.0.1", "[::1]"]


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("hosts", "remote"),
    [
        (LOCAL, []),
        ([*LOCAL, "builds.example.com"], ["builds.example.com"]),
        (["*"], ["*"]),
        ([".example.com"], [".example.com"]),
        ([], []),
    ],
)
def test_remote_hosts_are_names_that_others_may_use(hosts: list[str], remote: list[str]) -> None:
    assert remote_hosts(hosts) == remote


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [
        (True, ["builds.example.com"], [DEBUG_IN_PUBLIC]),
        (True, ["*"], [DEBUG_IN_PUBLIC]),
        (True, LOCAL, []),
        (False, ["builds.example.com"], []),
    ],
)
def test_debug_is_for_this_machine(
    settings: Settings, debug: bool, hosts: list[str], found: list[str]
) -> None:
    settings.DEBUG = debug
    settings.ALLOWED_HOSTS = hosts
    assert ids(check_debug(None)) == found


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("x" * 39, [SHORT_SECRET_KEY]),
        ("x" * 39 + "\n", [SHORT_SECRET_KEY]),
        ("x" * 40, []),
    ],
)
def test_a_secret_key_has_forty_characters(settings: Settings, key: str, found: list[str]) -> None:
    settings.SECRET_KEY = key
    assert ids(check_secret_key(None)) == found


@pytest.mark.parametrize(
    ("host", "broker", "found"),
    [
        ("db.example.com", "filesystem://", [UNSHARED_BROKER]),
        ("db.example.com", "redis://redis:6379/0", []),
        ("localhost", "filesystem://", []),
        ("/var/run/postgresql", "filesystem://", []),
        ("", "filesystem://", []),
    ],
)
def test_a_database_elsewhere_wants_a_broker_that_is_shared(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str, broker: str, found: list[str]
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", host)
    settings.CELERY_BROKER_URL = broker
    assert ids(check_broker(None)) == found


@pytest.mark.parametrize(
    ("https", "hosts", "found"),
    [
        (False, ["builds.example.com"], [PLAIN_HTTP]),
        (True, ["builds.example.com"], []),
        (False, LOCAL, []),
    ],
)
def test_https_is_wanted_as_soon_as_others_come(
    settings: Settings, https: bool, hosts: list[str], found: list[str]
) -> None:
    settings.HTTPS = https
    settings.ALLOWED_HOSTS = hosts
    assert ids(check_https(None)) == found


def _run(**options: Any) -> set[str | None]:
    return set(ids(run_checks(tags=["security"], **options)))


def test_the_checks_are_registered_and_https_is_asked_for_on_deployment_only(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = ["builds.example.com"]
    settings.DEBUG = True
    settings.HTTPS = False
    assert DEBUG_IN_PUBLIC in _run()
    assert PLAIN_HTTP not in _run()
    assert PLAIN_HTTP in _run(include_deployment_checks=True)

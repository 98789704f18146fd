"""Checks for secrets: they are found where they are, and their values are in no result."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.imagechecks.formats import is_secret
from supplychain.imagechecks.masking import Masker
from supplychain.imagechecks.model import Check, Status
from supplychain.reports.model import Severity
from tests.supplychain.images import checks_of, file, link, places

BODY = "MIIEowIBAAKCAQEAx1yS0xN3mD8u2H1w6vE4Q9rT5kLpZcVbNaSdFgHjKlQwErTy"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----\n"
GITHUB = "ghp_" + "a1B2" * 9
AWS = "AKIA" + "Q3ZX7LMN2PTR5VWY"
WORD = "hunter2hunter2"


def text_of(checks: dict[str, Check]) -> str:
    return json.dumps([asdict(check) for check in checks.values()], ensure_ascii=False)


def told(check: Check) -> list[tuple[str, str]]:
    return [(item.place, item.detail) for item in check.evidence]


def test_variables_by_name_and_by_value():
    found = checks_of(
        {
            "Env": [
                "PATH=/bin",
                f"DB_PASSWORD={WORD}",
                f"CI={GITHUB}",
                f"DATABASE_URL=postgres://app:{WORD}@db/app",
                "TOKEN_FILE=/run/x",
                "API_KEY=",
                "SECRET_KEY=$OTHER",
                "PASSWORD=/run/secrets/db",
                "USE_TOKEN=true",
                "NAME_ONLY",
            ]
        }
    )
    check = found["secret-in-env"]
    assert (check.status, check.severity, check.count) == ("fail", "HIGH", 3)
    assert told(check) == [
        ("CI", "GitHub token"),
        ("DATABASE_URL", "password in a URL"),
        ("DB_PASSWORD", "by its name"),
    ]
    assert WORD not in text_of(found)
    assert GITHUB not in text_of(found)


def test_labels_and_annotations():
    found = checks_of(
        {"Labels": {"deploy.token": WORD, "team": "a"}}, manifest={"annotations": {"x": AWS}}
    )
    assert told(found["secret-in-labels"]) == [
        ("deploy.token", "by its name"),
        ("x", "AWS access key"),
    ]
    assert WORD not in text_of(found)
    assert AWS not in text_of(found)


@pytest.mark.parametrize(
    ("text", "check", "rule"),
    [
        (f"RUN |1 TOKEN={WORD} /bin/sh -c make # buildkit", "build-args", "value of TOKEN"),
        (f"|2 A=1 TOKEN={WORD} /bin/sh -c make", "build-args", "value of TOKEN"),
        (f"RUN |1 TOKEN={WORD} x /bin/bash -o pipefail -c make", "build-args", "value of TOKEN"),
        (f"RUN |1 CI={GITHUB} /bin/sh -c make # buildkit", "build-args", "GitHub token"),
        (f"ARG NPM_TOKEN={WORD}", "build-args", "value of NPM_TOKEN"),
        (f"ENV DB_PASSWORD={WORD} more words", "history", "value of DB_PASSWORD"),
        (f"RUN /bin/sh -c curl -u me:{WORD} https://a.example", "history", "password of curl"),
        (f"RUN /bin/sh -c mysql --password={WORD} x", "history", "value of password"),
        (f"RUN /bin/sh -c mysql --password {WORD}", "history", "value of password"),
        (f"RUN /bin/sh -c git clone https://me:{WORD}@a.example/x", "history", "password in a URL"),
        (
            f'RUN /bin/sh -c curl -H "Authorization: Bearer {WORD}" https://a.example',
            "history",
            "authorization header",
        ),
        (f"LABEL a.token={WORD}", "history", "value of a.token"),
    ],
)
def test_histories(text: str, check: str, rule: str):
    found = checks_of({}, history=[text])
    assert told(found[f"secret-in-{check}"]) == [("history 1", rule)]
    other = {"build-args": "history", "history": "build-args"}[check]
    assert found[f"secret-in-{other}"].status is Status.PASS
    for word in (WORD, GITHUB, "more words"):
        assert word not in text_of(found)


@pytest.mark.parametrize(
    "text",
    [
        "RUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) make",
        "RUN /bin/sh -c TOKEN=`cat x` make",
        'RUN |1 VERSION=1 /bin/sh -c export TOKEN="$OTHER"',
        "RUN adduser --disabled-password app",
        "RUN useradd --no-password app",
        "ARG TOKEN",
        "ENV TOKEN_URL=https://a.example/token",
        "COPY token.go /src/ # buildkit",
        "RUN curl -u $USER:$PASSWORD https://a.example",
    ],
)
def test_what_is_no_secret_in_a_history(text: str):
    found = checks_of({}, history=[text])
    assert found["secret-in-history"].status is Status.PASS, found["secret-in-history"]
    assert found["secret-in-build-args"].status is Status.PASS


FILES = [
    ("root/.ssh/id_rsa", "anything", "SSH key", "HIGH"),
    ("root/.ssh/id_rsa.pub", "ssh-rsa AAAA", None, ""),
    ("app/id_ed25519", "", None, ""),
    ("root/.npmrc", f"//r/:_authToken={WORD}", "npm credentials", "HIGH"),
    ("root/.npmrc", "//r/:_authToken=${NPM_TOKEN}\nfund=false", None, ""),
    ("app/.env", f"DB_PASSWORD={WORD}", ".env file", "HIGH"),
    ("app/.env.production", "PORT=80", ".env file", "MEDIUM"),
    ("app/.env.example", "DB_PASSWORD=x", None, ""),
    ("etc/ssl/server.pem", KEY, "private key", "HIGH"),
    ("etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----\n" + BODY, None, ""),
    ("srv/ssl.py", 'MARK = "-----BEGIN PRIVATE KEY-----"', None, ""),
    ("srv/account.json", json.dumps({"private_key": KEY}), "private key", "HIGH"),
    ("usr/lib/python3/test/keycert.pem", KEY, "private key", "LOW"),
    ("app/.git/config", f"url = https://me:{WORD}@a.example/x", "git configuration", "HIGH"),
    ("app/.git/config", "url = https://a.example/x", None, ""),
    ("root/.aws/credentials", f"aws_secret_access_key = {WORD}", "AWS credentials", "HIGH"),
    ("root/.docker/config.json", '{"auths":{"r":{"auth":"bWU6eA=="}}}', "registry", "HIGH"),
    ("root/.docker/config.json", '{"credsStore":"pass"}', None, ""),
    ("root/.pypirc", f"password: {WORD}", "PyPI credentials", "HIGH"),
    ("root/.netrc", f"machine a login b password {WORD}", "netrc", "HIGH"),
    ("run/secrets/db", WORD, "secret of a container", "HIGH"),
    ("run/secrets/mount", "", None, ""),
    ("app/store.jks", "x", "key store", "MEDIUM"),
    ("app/settings.js", f"const t = '{GITHUB}'", "GitHub token", "HIGH"),
    ("app/manual.txt", "id AKIAIOSFODNN7EXAMPLE", None, ""),
    ("app/large.txt", GITHUB + " " * 70_000, None, ""),
    ("app/key.js", "AIza" + "b" * 35, "Google API key", "MEDIUM"),
    ("app/key.txt", AWS, "AWS access key", "HIGH"),
]


@pytest.mark.parametrize(("path", "content", "rule", "severity"), FILES)
def test_files(path: str, content: str, rule: str | None, severity: str):
    found = checks_of({}, [file(path, content)])
    check = found["secret-in-layers"]
    if rule is None:
        assert check.status is Status.PASS, check
        return
    assert check.severity == severity
    assert places(check) == [(f"/{path}", "sha256:0")]
    assert check.evidence[0].detail.startswith(rule)
    for secret in (WORD, BODY, GITHUB, AWS):
        assert secret not in text_of(found)


def test_a_link_is_no_secret():
    check = checks_of({}, [link("root/.ssh/id_rsa", "/run/secrets/key")])["secret-in-layers"]
    assert check.status is Status.PASS


@pytest.mark.parametrize(
    "above", [[file("root/.wh.id_rsa", "")], [file("root/id_rsa", "")], [file(".wh.root", "")]]
)
def test_a_file_that_a_later_layer_hides_is_still_there(above: list[Any]):
    below = [file("root/id_rsa", KEY), file("app/main")]
    check = checks_of({}, [file("x")], below, above)["secret-in-layers"]
    assert (check.status, check.severity) == ("fail", "HIGH")
    assert told(check) == [("/root/id_rsa", "SSH key; hidden by a later layer, still there")]
    assert (check.evidence[0].layer, check.evidence[0].instruction) == ("sha256:1", "RUN step …")


def test_the_worst_come_first_and_all_are_counted():
    many = [file(f"tests/{number:03}.pem", KEY) for number in range(40)]
    check = checks_of({}, [*many, file("z.pem", KEY)])["secret-in-layers"]
    assert (check.count, len(check.evidence), check.severity) == (41, 20, "HIGH")
    assert places(check)[0] == ("/z.pem", "sha256:0")
    assert check.evidence[1].severity is Severity.LOW


def test_an_instruction_that_may_write_a_secret_is_not_shown_by_any_check():
    """The words of ``echo`` are the secret, and another file of its layer is told of."""
    layer = [file("root/.pgpass", WORD), file("bin/su", mode=0o4755)]
    text = f"RUN /bin/sh -c echo {WORD} > /root/.pgpass && chmod u+s /bin/su # buildkit"
    found = checks_of({}, layer, history=[text])
    assert found["setuid"].evidence[0].instruction == "RUN echo …"
    assert WORD not in text_of(found)
    copied = checks_of({}, layer, history=["COPY . /root/ # buildkit"])["secret-in-layers"]
    assert copied.evidence[0].instruction == "COPY . /root/"


def test_a_known_value_is_masked_wherever_it_stands():
    layer = [file("bin/su", mode=0o4755)]
    settings = {"Env": [f"DB_PASSWORD={WORD}"]}
    found = checks_of(settings, layer, history=[f"RUN /bin/sh -c login {WORD} # buildkit"])
    assert found["setuid"].evidence[0].instruction == "RUN login ••••••"
    assert WORD not in text_of(found)


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("token", "abc", True),
        ("AWS_SECRET_ACCESS_KEY", "abc", True),
        ("token", "", False),
        ("token", '""', False),
        ("TOKEN_TTL", "60", False),
        ("PATH", "/bin", False),
        ("password", "${X}", False),
        ("no-password", "x", False),
    ],
)
def test_names_of_secrets(name: str, value: str, is_one: bool):
    assert is_secret(name, value) is is_one


SECRETS = st.sampled_from([WORD, GITHUB, AWS, "pass word two", "a=b c=d", "/bin/sh -c x9x9x9"])
FRAMES = st.sampled_from(
    [
        "ENV A=1 TOKEN={}",
        "ARG TOKEN={}",
        "LABEL my.password={}",
        "RUN |1 TOKEN={} /bin/sh -c make # buildkit",
        "RUN |2 API_KEY={} A=1 /bin/bash -o pipefail -c make",
        "RUN /bin/sh -c API_KEY={} make",
    ]
)


@given(frame=FRAMES, secret=SECRETS, more=st.text(max_size=10))
def test_no_frame_shows_a_secret(frame: str, secret: str, more: str):
    found = checks_of({}, [file("bin/su", mode=0o4755)], history=[frame.format(secret) + more])
    assert secret not in text_of(found)


@given(text=st.text(max_size=200))
def test_masking_takes_any_text(text: str):
    masker = Masker([WORD])
    assert WORD not in masker.masked(f"{text} {WORD} {text}")
    assert KEY[32:90] not in masker.masked(text + KEY)


@given(data=st.binary(max_size=300), path=st.sampled_from([row[0] for row in FILES]))
def test_no_content_makes_it_fail(data: bytes, path: str):
    assert checks_of({}, [file(path, data), file("etc/passwd", data), file("etc/group", data)])

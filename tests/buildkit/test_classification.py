"""Classes of failures, told from messages as BuildKit and package managers write them."""

import base64

import pytest

from buildkit.classification import classify, normalise
from buildkit.failure_classes import MEANINGS, FailureClass
from buildkit.model import BuildStatus, Failure, Step
from buildkit.reading import read_builds
from tests.buildkit.making import iso, lines, ran

EXIT_1 = 'process "/bin/sh -c {}" did not complete successfully: exit code: {}'


def step_of(name: str, error: str, printed: str = "") -> Step:
    frame = [ran("a", name, 1, 2, error=error)]
    log = {
        "logs": [
            {
                "vertex": "a",
                "stream": 1,
                "data": base64.b64encode(printed.encode()).decode(),
                "timestamp": iso(1),
            }
        ]
    }
    [build] = read_builds(progress=lines(frame, log))
    return build.steps[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "failed to do request: Head http://127.0.0.1:5000/v2/: dial tcp 127.0.0.1:5000: "
            "connect: connection refused",
            FailureClass.NETWORK,
        ),
        (
            "failed to resolve source metadata for docker.io/library/node:22: unexpected status "
            "from HEAD request to https://registry-1.docker.io/v2/library/node: "
            "503 Service Unavailable",
            FailureClass.REGISTRY_ERROR,
        ),
        (
            "toomanyrequests: You have reached your unauthenticated pull rate limit.",
            FailureClass.RATE_LIMIT,
        ),
        (
            "pull access denied, repository does not exist or may require authorization: server "
            "message: insufficient_scope: authorization failed",
            FailureClass.AUTHENTICATION,
        ),
        (
            'failed to calculate checksum of ref abc::def: "/missing": not found',
            FailureClass.NOT_FOUND,
        ),
        ("docker.io/library/node:99: not found", FailureClass.NOT_FOUND),
        ("write /var/lib/x: no space left on device", FailureClass.DISK_FULL),
        ("dockerfile parse error on line 3: unknown instruction: RUM", FailureClass.DOCKERFILE),
        ('target stage "prd" could not be found', FailureClass.DOCKERFILE),
        ("rpc error: code = Unavailable desc = error reading from server: EOF", "builder_lost"),
        ("Cannot connect to the Docker daemon at unix:///x.", FailureClass.BUILDER_LOST),
        ("The time limit of 60 s was reached.", FailureClass.TIMEOUT),
        ("something nobody has seen", FailureClass.OTHER),
    ],
)
def test_classes_of_what_buildkit_says(message: str, expected: str) -> None:
    verdict = classify(Failure(message), BuildStatus.FAILED, None)
    assert verdict.failure_class == expected
    assert verdict.evidence in message


@pytest.mark.parametrize(
    ("printed", "code", "expected"),
    [
        ("npm error code ECONNRESET\nnpm error network aborted", 1, FailureClass.NETWORK),
        ("npm error code ERESOLVE\nnpm error ERESOLVE unable", 1, FailureClass.DEPENDENCY),
        ("ERROR: No matching distribution found for numpy==99", 1, FailureClass.DEPENDENCY),
        ("E: Unable to locate package libfoo", 100, FailureClass.DEPENDENCY),
        ("curl: (6) Could not resolve host: example.org", 6, FailureClass.NETWORK),
        ("npm error code E403", 1, FailureClass.AUTHENTICATION),
        ("npm error code E503", 1, FailureClass.REGISTRY_ERROR),
        ("FATAL ERROR: JavaScript heap out of memory", 134, FailureClass.OUT_OF_MEMORY),
        ("", 137, FailureClass.OUT_OF_MEMORY),
        ("src/x.ts(3,1): error TS2304", 2, FailureClass.COMMAND),
        ("AssertionError: connection refused is not 200", 1, FailureClass.COMMAND),
        ("FAIL: test_timeout: deadline exceeded", 1, FailureClass.COMMAND),
    ],
)
def test_classes_of_what_a_step_printed(printed: str, code: int, expected: FailureClass) -> None:
    message = EXIT_1.format("make", code)
    step = step_of("[2/2] RUN make", message, printed)
    assert classify(Failure(message), BuildStatus.FAILED, step).failure_class is expected


def test_what_a_command_names_is_not_what_went_wrong() -> None:
    message = EXIT_1.format('echo \\"dial tcp: no space left on device\\" && false', 1)
    step = step_of("[2/2] RUN echo", message)
    assert classify(Failure(message), BuildStatus.FAILED, step).failure_class == "command"


def test_an_export_of_cache_that_failed_is_cache() -> None:
    message = "error writing layer blob: unexpected status: 503 Service Unavailable"
    step = step_of("exporting cache to registry", message)
    assert classify(Failure(message), BuildStatus.FAILED, step).failure_class == "cache"


def test_a_canceled_build_is_canceled_whatever_it_says() -> None:
    verdict = classify(Failure("exit code: 137"), BuildStatus.CANCELED, None)
    assert verdict.failure_class is FailureClass.CANCELED


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("dial tcp 10.1.2.3:443: i/o timeout", "dial tcp <host>: i/o timeout"),
        ("Get https://r.example:5000/v2/: EOF", "Get https://<host>/v2/: EOF"),
        ("localhost:5000/library/node:22: not found", "<host>/library/node:22: not found"),
        ("/app/src/x.ts:10:5 - error", "/app/src/x.ts:<line> - error"),
        ("parse error on line 3: x", "parse error on line <line>: x"),
        ("blob sha256:" + "a" * 64 + " missing", "blob sha256:… missing"),
        ("at revision " + "0f" * 20, "at revision <revision>"),
    ],
)
def test_what_differs_between_two_occurrences_is_replaced(message: str, expected: str) -> None:
    assert normalise(message) == expected


def test_the_fingerprint_is_that_of_the_normalised_message() -> None:
    one, two, other = (
        classify(Failure(f"dial tcp {host}: {why}"), BuildStatus.FAILED, None).fingerprint
        for host, why in (
            ("10.0.0.1:80", "i/o timeout"),
            ("10.0.0.2:81", "i/o timeout"),
            ("10.0.0.1:80", "connection refused"),
        )
    )
    assert one == two != other


def test_every_class_is_explained() -> None:
    assert set(MEANINGS) == set(FailureClass)
    assert all(meaning.title for meaning in MEANINGS.values())

"""Where requests may go, to which address they go, and how long and large they may be."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from buildkit.addresses import Address
from channels import outbound
from channels.contract import DeliveryError
from channels.outbound import ForbiddenAddressError, ask, check, is_global
from tests.channels.receiving import Receiver, Reply, receiving

HOOKS = "hooks.example.test"


def get(url: str) -> outbound.Answer:
    return ask("GET", url, headers={})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),  # NAT64 of 93.184.216.34
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_only_addresses_of_the_internet_are_global(address: str, expected: bool):
    assert is_global(ipaddress.ip_address(address)) is expected


@given(st.ip_addresses(v=4))
def test_no_wrapping_makes_an_address_global(address: ipaddress.IPv4Address):
    number = int(address)
    for base in ("64:ff9b::", "::ffff:0:0"):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(base)) + number)
        assert is_global(wrapped) == is_global(address)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://example.com/", "begins with https"),
        ("file:///etc/passwd", "no web address"),
        ("https://", "no web address"),
        ("https://[::1", "no web address"),
        ("https://example.com:99999/", "no web address"),
        ("https://exa mple.com/", "no web address"),
        ("https://example.com/\r\nHost: x", "no web address"),
        ("https://me:secret@127.0.0.1/", "user or password"),
        ("https://10.1.2.3/", "must not ask"),
        ("https://[::ffff:127.0.0.1]/", "must not ask"),
        ("https://0x7f000001/", "must not ask"),
        ("https://2130706433/", "must not ask"),
        ("http://93.184.216.34/", "Without encryption"),
    ],
)
def test_what_must_not_be_asked_is_refused_when_it_is_entered(url: str, fault: str, settings: Any):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    with pytest.raises(ForbiddenAddressError, match=fault):
        check(url)
    with pytest.raises(ForbiddenAddressError, match=fault):
        get(url)


def test_a_name_is_resolved_once_and_the_checked_address_is_asked(
    receiver: Receiver, monkeypatch: Any
):
    asked = []

    def resolve(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "169.254.169.254")]

    monkeypatch.setattr(outbound, "resolve", resolve)
    url = f"http://{HOOKS}:{receiver.port}/hook?a=1"
    assert get(url).status == 200
    assert asked == [HOOKS]
    [request] = receiver.taken
    assert (request.path, request.headers["Host"]) == ("/hook?a=1", f"{HOOKS}:{receiver.port}")
    with pytest.raises(ForbiddenAddressError, match="must not ask"):
        get(url)


def test_of_several_addresses_only_open_ones_are_asked(receiver: Receiver, monkeypatch: Any):
    found = [ipaddress.ip_address(text) for text in ("::1", "127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(outbound, "resolve", lambda host, port: found)
    assert get(f"http://{HOOKS}:{receiver.port}/").status == 200, "127.0.0.2 does not listen"


@pytest.mark.parametrize(("deaf", "is_taken"), [(7, True), (8, False)])
def test_eight_addresses_of_a_name_are_tried(
    receiver: Receiver, monkeypatch: Any, deaf: int, is_taken: bool
):
    texts = [f"127.0.1.{number}" for number in range(1, deaf + 1)]
    found = [ipaddress.ip_address(text) for text in (*texts, "127.0.0.1")]
    monkeypatch.setattr(outbound, "resolve", lambda host, port: found)
    with nullcontext() if is_taken else pytest.raises(DeliveryError, match="Connection refused"):
        get(f"http://{HOOKS}:{receiver.port}/")
    assert len(receiver.asked) == is_taken


def test_no_address_is_tried_when_the_time_is_over(receiver: Receiver, monkeypatch: Any):
    """Of one whose queue is full nothing comes, however long one waits."""
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)
    found = [ipaddress.ip_address(text) for text in ("127.0.1.1", "127.0.0.1")]
    monkeypatch.setattr(outbound, "resolve", lambda host, port: found)
    full = ("127.0.1.1", receiver.port)
    with (
        socket.create_server(full, backlog=0),
        socket.create_connection(full),
        pytest.raises(DeliveryError, match="does not answer in time"),
    ):
        get(f"http://{HOOKS}:{receiver.port}/")
    assert receiver.asked == []


def test_a_name_that_is_not_known_may_be_entered_but_not_asked(monkeypatch: Any):
    monkeypatch.setattr(outbound, "resolve", lambda host, port: [])
    check("https://hooks.example.test/")
    with pytest.raises(DeliveryError, match="is not known"):
        get("https://hooks.example.test/")


def test_redirects_are_not_followed_and_proxies_not_asked(receiver: Receiver, monkeypatch: Any):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    receiver.reply(302, Location="http://169.254.169.254/latest/meta-data/")
    assert get(receiver.url).status == 302
    assert len(receiver.asked) == 1


def test_what_takes_too_long_is_ended(receiver: Receiver, monkeypatch: Any):
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)
    receiver.answer = receiver.hold
    with pytest.raises(DeliveryError, match="does not answer in time"):
        get(receiver.url)


def test_a_body_that_drips_is_cut_when_the_time_is_over(receiver: Receiver, monkeypatch: Any):
    """Each byte comes in time, all of them do not; but what was sent has been taken."""
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 2)
    receiver.answer = lambda _: Reply(200, body=b"x" * 1000, byte_seconds=0.1)
    answer = get(receiver.url)
    assert answer.status == 200
    assert len(answer.body) < 1000


def test_a_body_is_bounded(receiver: Receiver):
    receiver.reply(200, b"x" * (outbound.MOST_BYTES + 1))
    answer = get(receiver.url)
    assert (answer.status, len(answer.body)) == (200, outbound.MOST_BYTES)
    assert answer.document() is None


def test_errors_name_the_host_alone():
    with pytest.raises(DeliveryError) as raised:
        get("http://127.0.0.1:1/hook/s3cret?token=s3cret")
    assert "s3cret" not in str(raised.value)
    assert str(raised.value) == "127.0.0.1 cannot be asked: Connection refused"


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: Any) -> Iterator[Receiver]:
    """A receiver with a certificate of ``HOOKS``, which is trusted here, at the loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOOKS)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOOKS)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr(outbound, "resolve", lambda host, port: [ipaddress.ip_address("127.0.0.1")])
    with receiving(lambda plain: context.wrap_socket(plain, server_side=True)) as receiver:
        yield receiver


def test_the_certificate_must_be_that_of_the_name(encrypted: Receiver):
    assert get(f"https://{HOOKS}:{encrypted.port}/").status == 200
    assert encrypted.taken[0].headers["Host"] == f"{HOOKS}:{encrypted.port}"
    with pytest.raises(DeliveryError, match="its certificate"):
        get(f"https://other.example.test:{encrypted.port}/")

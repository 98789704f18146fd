"""Files that are secrets by their names, or by names and contents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildkit.layers import Entry
from supplychain.imagechecks.formats import assignments, formats_in_file
from supplychain.reports.model import Severity

SMALL_BYTES = 64 * 1024
"""Up to which size any file's content is looked at."""

KNOWN_BYTES = 256 * 1024
"""How much is looked at of a file with a name of secrets."""


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A kind of file; with ``content`` it is a secret only if that is in it."""

    rule: str
    path: re.Pattern[str]
    content: re.Pattern[bytes] | None = None
    severity: Severity = Severity.HIGH


def _file(
    rule: str, path: str, content: bytes = b"", severity: Severity = Severity.HIGH
) -> SecretFile:
    pattern = re.compile(content, re.MULTILINE) if content else None
    return SecretFile(rule, re.compile(rf"(?:.*/)?(?:{path})$"), pattern, severity)


_VALUE = rb"[\"']?(?![\"'$<{\s])\S"
_PASSWORD = rb"(?i)\bpassword\s{0,4}[=: ]\s{0,4}" + _VALUE

KINDS = (
    _file("SSH key", r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?"),
    _file("PuTTY key", r"[^/]+\.ppk", rb"^PuTTY-User-Key-File"),
    _file("npm credentials", r"\.npmrc", rb"_(?:authToken|auth|password)\s{0,4}=\s{0,4}" + _VALUE),
    _file("Yarn credentials", r"\.yarnrc\.yml", rb"npmAuth(?:Token|Ident)\s{0,4}:\s{0,4}" + _VALUE),
    _file("PyPI credentials", r"\.pypirc", _PASSWORD),
    _file("netrc", r"[._]netrc", _PASSWORD),
    _file(
        "AWS credentials",
        r"\.aws/(?:credentials|config)",
        rb"(?i)aws_secret_access_key\s{0,4}=\s{0,4}" + _VALUE,
    ),
    _file(
        "git configuration with a password",
        r"\.git/config|\.gitconfig|\.git/modules/.+/config",
        rb"://[^/\s:@]{0,100}:[^@\s/]{1,200}@|(?i:extraheader\s{0,4}=\s{0,4}authorization)",
    ),
    _file("git credentials", r"\.git-credentials|git/credentials"),
    _file(
        "registry credentials",
        r"\.?docker/config\.json|\.dockercfg|\.dockerconfigjson|containers/auth\.json",
        rb"\"(?:auth|identitytoken|registrytoken)\"\s{0,4}:\s{0,4}\"[^\"]",
    ),
    _file(
        "Kubernetes credentials",
        r"\.kube/config|kubeconfig|k3s\.yaml",
        rb"(?:client-key-data|token|password)\s{0,4}:\s{0,4}" + _VALUE,
    ),
    _file("Cargo credentials", r"\.?cargo/credentials(?:\.toml)?", rb"token\s{0,4}=\s{0,4}\S"),
    _file("GitHub CLI credentials", r"gh/hosts\.yml", rb"oauth_token\s{0,4}:\s{0,4}\S"),
    _file("Composer credentials", r"composer/auth\.json", rb"\"[^\"]+\"\s{0,4}:\s{0,4}[{\"]."),
    _file("cloud credentials", r"gcloud/(?:application_default_credentials\.json|credentials\.db)"),
    _file("Azure credentials", r"\.azure/(?:accessTokens\.json|msal_token_cache\.\w+)"),
    _file("Vault token", r"\.vault-token"),
    _file("database password", r"\.pgpass|\.my\.cnf|\.mylogin\.cnf"),
    _file("Terraform state", r"[^/]+\.tfstate(?:\.backup)?", severity=Severity.MEDIUM),
    _file("password hashes", r"\.htpasswd", severity=Severity.MEDIUM),
    _file("key store", r"[^/]+\.(?:p12|pfx|jks|keystore)", severity=Severity.MEDIUM),
    _file(
        "credentials", r"\.?credentials(?:\.(?:json|ya?ml|ini|toml|xml))?", severity=Severity.MEDIUM
    ),
)
_OFTEN_PUBLIC = {"Google API key": Severity.MEDIUM}
"""What clients of public services have in them on purpose."""

_DOTENV = re.compile(r"(?:.*/)?\.env(?:\.(?!example|sample|template|dist|defaults?$)[\w-]+)*$")
_MOUNTED = re.compile(r"(?:var/)?run/secrets/(?!kubernetes\.io/).+")
_OF_TESTS = re.compile(
    r"(?:.*/)?(?:tests?|testing|testdata|test_data|__tests__|spec|fixtures?|certdata|examples?|docs?)/"
)


def wanted(entry: Entry) -> int:
    """Return how many bytes of a file are looked at."""
    if entry.size <= SMALL_BYTES:
        return entry.size
    return KNOWN_BYTES if kind_of(entry.path) else 0


def kind_of(path: str) -> SecretFile | None:
    """Return what a file's name says it may be."""
    return next((kind for kind in KINDS if kind.path.match(path)), None)


def secrets_in(entry: Entry) -> Iterator[tuple[str, Severity]]:
    """Yield the rules by which a file is or has a secret, and how bad that is.

    What lies in directories of tests and of documents is rarely a secret of anybody: LOW.
    """
    found = dict(_by_name(entry))
    if not found:
        rules = formats_in_file(entry.data)
        found = {rule: _OFTEN_PUBLIC.get(rule, Severity.HIGH) for rule in rules}
    is_of_tests = _OF_TESTS.match(entry.path)
    for rule, severity in found.items():
        yield rule, Severity.LOW if is_of_tests else severity


def _by_name(entry: Entry) -> Iterator[tuple[str, Severity]]:
    if not entry.size:
        return  # such as a mount of a secret leaves
    kind = kind_of(entry.path)
    if kind and (kind.content is None or kind.content.search(entry.data)):
        yield kind.rule, kind.severity
    if _MOUNTED.match(entry.path):
        yield "secret of a container", Severity.HIGH
    if _DOTENV.match(entry.path):
        text = entry.data.decode("utf-8", "replace")
        has_secret = next(assignments(text), None) or next(formats_in_file(entry.data), None)
        yield ".env file", Severity.HIGH if has_secret else Severity.MEDIUM

"""A stand-in for trivy, which tests cannot fetch, and a server that takes what is sent.

The stand-in behaves like trivy as far as its arguments and its output go: it finds nothing itself.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DIGEST = "sha256:" + "d" * 64
NO_DATABASE = (
    "2025-03-18T20:50:35Z\tINFO\t[vulndb] Need to update DB\n"
    "2025-03-18T20:50:35Z\t\x1b[31mFATAL\x1b[0m\tFatal error\tinit error: DB error: failed to"
    " download vulnerability DB: OCI artifact error: failed to download artifact from"
    " mirror.gcr.io/aquasec/trivy-db:2: OCI repository error: 1 error occurred:\n"
    '\t* Get "https://mirror.gcr.io/v2/": dial tcp: lookup mirror.gcr.io: no such host\n'
)

_SCRIPT = """\
#!{python}
import json, os, pathlib, signal, subprocess, sys, time

here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["version", "--format=json"]:
    print((here / "version.json").read_text() if (here / "version.json").exists() else "")
    sys.exit()
if sys.argv[1:] == ["--version"]:
    print("Version: 0.58.1\\nVulnerability DB:\\n  Version: 2")
    sys.exit()
with (here / "calls.jsonl").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
does = json.loads((here / "does.json").read_text())
output = next(item.partition("=")[2] for item in sys.argv if item.startswith("--output="))
print("2025-03-18T20:50:34Z\\tINFO\\t[vuln] Vulnerability scanning is enabled", file=sys.stderr)
sys.stderr.write(does.get("says", ""))
sys.stderr.flush()
if does.get("hangs"):
    if does["hangs"] == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "60"])  # holds the output open, too
    try:
        (here / "began").touch()
        child.wait()
    finally:
        child.kill()
if "report" in does:
    pathlib.Path(output).write_bytes(pathlib.Path(does["report"]).read_bytes())
if "killed" in does:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(does.get("code", 0))
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The directory of the stand-in: what it was called with, and what it does."""

    path: Path

    def does(self, **what: object) -> None:
        """Say what it does when it is called next: its report, words, exit code; or hang."""
        (self.path / "does.json").write_text(json.dumps(what, default=str))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each scan."""
        file = self.path / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def make_stand_in(path: Path) -> StandIn:
    """Put the stand-in into a directory, under trivy's name."""
    path.mkdir()
    program = path / "trivy"
    program.write_text(_SCRIPT.format(python=sys.executable))
    program.chmod(0o755)
    made = StandIn(path)
    made.does()
    return made


def vulnerability(severity: str, package: str, fixed: str = "", **more: object) -> dict[str, Any]:
    """One of a report as trivy writes it."""
    number = sum(map(ord, severity + package + fixed))
    return {
        "VulnerabilityID": f"CVE-2024-{number}",
        "PkgName": package,
        "InstalledVersion": "1.0",
        "FixedVersion": fixed,
        "Severity": severity,
        "Status": "fixed" if fixed else "affected",
        **more,
    }


def report(path: Path, *found: Mapping[str, Any], repository: str = "", **result: object) -> Path:
    """Write a small report as trivy writes it."""
    document = {
        "SchemaVersion": 2,
        "CreatedAt": "2025-03-18T20:50:36.5Z",
        "ArtifactName": "shop/api:1",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "alpine", "Name": "3.9.4", "EOSL": True},
            "RepoDigests": [f"{repository}@{DIGEST}"] if repository else [],
        },
        "Results": [
            {
                "Target": "shop/api:1 (alpine 3.9.4)",
                "Class": "os-pkgs",
                "Type": "alpine",
                "Vulnerabilities": list(found),
            },
            *([result] if result else []),
        ],
    }
    path.write_text(json.dumps(document))
    return path


@dataclass
class Taken:
    """A request that the server got."""

    path: str
    query: dict[str, str]
    content_type: str
    authorization: str
    body: bytes


@dataclass
class Ingest:
    """A server on this machine that notes what it gets; ``status`` is what it answers."""

    url: str = ""
    status: int = 202
    taken: list[Taken] = field(default_factory=list)


@contextmanager
def ingesting() -> Iterator[Ingest]:
    """Run such a server."""
    ingest = Ingest()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content_type = str(self.headers["Content-Type"]).partition(";")[0]
            query = dict(parse_qsl(parts.query))
            who = str(self.headers["Authorization"])
            ingest.taken.append(Taken(parts.path, query, content_type, who, body))
            self.send_response(ingest.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        ingest.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield ingest
        server.shutdown()
        thread.join()

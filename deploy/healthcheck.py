"""Ask the web process of this container whether it lives; exit with 1 if it does not say so."""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_SECONDS = 4


def host_header(allowed_hosts: str) -> str:
    """Return a name that Django answers to: the first of ``ALLOWED_HOSTS``, or localhost."""
    first = allowed_hosts.split(",")[0].strip().lstrip(".")
    return first if first not in {"", "*"} else "localhost"


def is_alive(port: int, host: str) -> bool:
    """Return whether ``/livez`` answers with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    name = host_header(os.environ.get("ALLOWED_HOSTS", ""))
    sys.exit(0 if is_alive(8000, name) else 1)

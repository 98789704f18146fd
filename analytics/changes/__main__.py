"""Answer requests from standard input until it ends."""

import sys

from analytics.changes.command import answers


def main() -> None:
    """Answer each line at once: whoever asks waits for it."""
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    for line in answers(sys.stdin):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Diffs as a page shows them."""

NAMES = 2
"""Lines at the beginning of a diff that name its file."""


def diff_lines(diff: str) -> list[dict[str, str]]:
    """Return each line of a diff as ``kind`` and ``text``, which is without the sign."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = diff.splitlines()
    names = [{"kind": "place", "text": line} for line in lines[:NAMES]]
    return names + [
        {
            "kind": (kind := kinds.get(line[:1], "same")),
            "text": line if kind == "place" else line[1:],
        }
        for line in lines[NAMES:]
    ]

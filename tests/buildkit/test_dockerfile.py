"""Dockerfiles read into instructions, with the lines that they stand on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.dockerfile import Dockerfile, read_dockerfile, split_lines
from buildkit.errors import ParseError

TEXT = """\
# syntax=docker/dockerfile:1
# check=skip=all

ARG BASE=node
FROM --platform=linux/amd64 ${BASE} AS Build
# A comment
run --mount=type=cache,target=/a \\
    --network=none npm ci \\
  # within
  \t

    && npm run build
COPY --chown=1:1 ["a b", "/c"]
RUN <<EOF cat <<-'TWO' && echo "<<no"
FROM nothing
EOF
\tCOPY $X
\tTWO
FROM Build
CMD ["node"]
"""


def test_instructions_have_lines_flags_and_documents():
    read = read_dockerfile(TEXT)
    assert read.directives == {"syntax": "docker/dockerfile:1", "check": "skip=all"}
    assert [(item.keyword, item.start_line, item.end_line) for item in read.instructions] == [
        ("ARG", 4, 4),
        ("FROM", 5, 5),
        ("RUN", 7, 12),
        ("COPY", 13, 13),
        ("RUN", 14, 18),
        ("FROM", 19, 19),
        ("CMD", 20, 20),
    ]
    _, _, run, copy, documents, _, command = read.instructions
    assert run.flags == ("--mount=type=cache,target=/a", "--network=none")
    assert run.normalised == "RUN npm ci && npm run build"
    assert (copy.is_exec, copy.words, copy.flag("chown")) == (True, ["a b", "/c"], "1:1")
    assert [(item.name, item.is_quoted) for item in documents.heredocs] == [
        ("EOF", False),
        ("TWO", True),
    ]
    assert documents.heredocs[0].body == "FROM nothing\n"
    assert (run.is_exec, command.is_exec) == (False, True)
    assert [(item.name, item.base) for item in read.stages] == [
        ("build", "${BASE}"),
        ("stage-1", "Build"),
    ]
    assert [item.value for item in read.before] == ["BASE=node"]


def test_another_escape():
    read = read_dockerfile("# escape=`\nFROM a\nRUN a `\n b\nCOPY c:\\ d:\\\n")
    assert [item.normalised for item in read.instructions] == [
        "FROM a",
        "RUN a b",
        "COPY c:\\ d:\\",
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("FROM a\nRUN b \\", ["a", "b"]),
        ("FROM a\r\nRUN b \\\r\n c\r\n", ["a", "b  c"]),
        ("\ufeffFROM a\n", ["a"]),
        ("FROM a\nRUN echo '\\\\'\n", ["a", "echo '\\\\'"]),
        ("FROM a\nRUN cat<<EOF\n", ["a", "cat<<EOF"]),
        ("FROM a\nRUN cat <<<b\n", ["a", "cat <<<b"]),
        ("FROM\ta\nRUN\tb\n", ["a", "b"]),
        ("FROM a\nRUN b\x0c\u2028c\n", ["a", "b\x0c\u2028c"]),
    ],
)
def test_odd_forms(text: str, values: list[str]):
    assert [item.value for item in read_dockerfile(text).instructions] == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only\n",
        "ARG a\n",
        "RUN a\nFROM b\n",
        "FROM a\nRUM b\n",
        "FROM a b\n",
        "FROM a\nRUN <<EOF\nb\n",
        "FROM a\nRUN <<$EOF\nb\n$EOF\n",
        "FROM a\nRUN echo ' <<EOF\nEOF\n",
        "FROM a\nONBUILD RUN <<EOF\nEOF\n",
        "# escape=x\nFROM a\n",
    ],
)
def test_what_is_not_surely_understood_is_an_error(text: str):
    with pytest.raises(ParseError):
        read_dockerfile(text)


LINES = st.sampled_from(
    [
        "FROM a AS b", "ARG X=1", "RUN a \\", "  && b", "# comment", "", "   ", "COPY --from=b . .",
        "RUN <<EOF", "EOF", "RUN <<-'X' <<Y", "\tX", "Y", 'CMD ["a"]', "\\", "ENV A=$B", "\u2028",
    ]
)  # fmt: skip


def parts(read: Dockerfile) -> str:
    """The text, put together from instructions and what lies between them."""
    text, at = "", 0
    for item in read.instructions:
        assert at < item.start_line <= item.end_line
        text += "".join(read.lines[at : item.start_line - 1]) + "".join(read.lines_of(item))
        at = item.end_line
    return text + "".join(read.lines[at:])


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_parts_are_the_whole(lines: list[str], end: str, is_ended: bool):
    text = end.join(["FROM a", *lines]) + (end if is_ended else "")
    assert "".join(split_lines(text)) == text
    try:
        read = read_dockerfile(text)
    except ParseError:
        return
    assert parts(read) == read.text == text
    between = set(range(1, len(read.lines) + 1))
    for item in read.instructions:
        between -= set(range(item.start_line, item.end_line + 1))
    rest = (read.lines[line - 1].strip() for line in between)
    assert all(not line or line.startswith("#") for line in rest)

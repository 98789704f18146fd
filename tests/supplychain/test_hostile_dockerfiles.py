"""Dockerfiles that nobody ought to write: whoever sends a record of a build sends one.

Each of these took minutes, all memory, or an exception that nobody expects.
"""

import pytest

from buildkit.advice import likely_fixes
from buildkit.advising.mounting import plain
from buildkit.dockerfile import MOST_CHARACTERS, read_dockerfile
from buildkit.errors import ParseError
from supplychain.bases.stages import Inputs, Role, bases_of


def bases(text: str, target: str = "") -> list[tuple[str, Role]]:
    found = bases_of(read_dockerfile(text), Inputs(target))
    return [(str(base.reference), base.role) for base in found]


def test_arguments_that_double_with_each_line():
    lines = [f"ARG A{number}=${{A{number - 1}}}${{A{number - 1}}}" for number in range(1, 64)]
    text = "\n".join(["ARG A0=x", *lines, "FROM ${A63}"])
    [base] = bases_of(read_dockerfile(text), Inputs())
    assert (base.written, base.reference) == ("${A63}", None)


def test_a_value_may_be_as_long_as_a_name_of_an_image():
    text = "ARG HOST=registry.example\nARG NAME=$HOST/team/api\nFROM $NAME:1"
    assert bases(text) == [("registry.example/team/api:1", Role.FINAL)]


def test_many_arguments_in_one_instruction():
    text = f"ARG {'a ' * 300_000}b=busybox\nFROM $b"
    assert bases(text) == [("docker.io/library/busybox:latest", Role.FINAL)]


def test_an_argument_without_a_default_takes_none_from_another_that_ends_like_it():
    [base] = bases_of(read_dockerfile("ARG b ab=x\nFROM $b"), Inputs())
    assert base.reference is None


def test_many_stages():
    stages = "".join(f"FROM s{number} AS s{number + 1}\n" for number in range(30_000))
    assert bases(f"FROM a AS s0\n{stages}") == [("docker.io/library/a:latest", Role.FINAL)]
    assert len(read_dockerfile("FROM a\nRUN b\n" * 50_000).stages) == 50_000


def test_a_name_means_the_last_stage_of_it_before():
    text = "FROM a AS s\nFROM s AS t\nFROM b AS s\nFROM s\nCOPY --from=t / /\nFROM c AS s\n"
    assert bases(text, "stage-3") == [
        ("docker.io/library/b:latest", Role.FINAL),
        ("docker.io/library/a:latest", Role.BUILD),
    ]


@pytest.mark.parametrize("name", ["9" * 5000, "1", "7"])
def test_a_number_that_is_of_no_stage_before_is_the_name_of_an_image(name: str):
    found = bases_of(read_dockerfile(f"FROM a\nCOPY --from={name} / /\n"), Inputs())
    assert [base.written for base in found] == ["a", name]
    assert bases("FROM a", name) == []


def test_a_value_that_is_nested_deeply_is_no_list():
    dockerfile = read_dockerfile(f"FROM a\nRUN {'[' * 100_000}\n")
    assert not dockerfile.instructions[1].is_exec


def test_a_directive_with_many_blanks():
    value = f"b{' ' * 200_000}c"
    assert read_dockerfile(f"# a={value}  \nFROM a").directives == {"a": value}


def test_a_run_with_many_blanks():
    blanks = " " * 200_000
    assert plain(f"RUN pip install a{blanks}--no-cache-dir{blanks}b") == "RUN pip install a b"
    assert plain(f"RUN apt-get install a{blanks}x") == "RUN apt-get install a x"


def test_a_log_of_one_long_word():
    assert likely_fixes("/a" * 200_000) == []
    [advice, *_] = likely_fixes('ERROR: "/missing": not found')
    assert "not in the build context" in advice


def test_what_is_too_long_is_not_read():
    text = "FROM a\n#"
    assert read_dockerfile(text.ljust(MOST_CHARACTERS, "x")).stages
    with pytest.raises(ParseError, match="line 1: a Dockerfile of more than 1048576 characters"):
        read_dockerfile(text.ljust(MOST_CHARACTERS + 1, "x"))

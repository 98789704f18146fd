"""What holds of advice on any Dockerfile: edits lose nothing, and spare what they promise."""

import subprocess
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from buildkit.advising import Advice, Kind, advise
from buildkit.dockerfile import read_dockerfile
from tests.buildkit.simulating import Builder

FILES = {"package.json": "1", "src/a.js": "1", "docs/x": "1", ".git/HEAD": "1"}
INSTRUCTIONS = st.sampled_from(
    [
        "COPY . .", "COPY . /app", "COPY src src/", "COPY docs docs/", "COPY package.json ./",
        "RUN npm ci", "RUN npm run build", "RUN apt-get update && apt-get install -y git",
        "RUN apt-get update \\\n # tools\n && apt-get install -y curl", "RUN make $VERSION",
        "RUN pip install --no-cache-dir flask", "ARG VERSION", "ARG REVISION=0", "WORKDIR /app",
        "ENV VERSION=$VERSION", "ENV A=b", "LABEL v=$VERSION", "LABEL r=${REVISION}", "USER app",
        "# a comment", "", "FROM base AS other", "FROM other", "COPY --from=first /app /app",
    ]
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.sampled_from([*FILES, ""]), st.sampled_from(["", "VERSION", "REVISION"])),
    min_size=1,
    max_size=5,
)


def built(text: str, changes: list[tuple[str, str]]) -> Builder:
    """A build, and one more after each change of a file and an argument, all in one week."""
    made, files, arguments = Builder(), dict(FILES), {"VERSION": "0", "REVISION": "0"}
    made.build(text, files, **arguments)
    for number, (path, name) in enumerate(changes, 2):
        files |= {path: str(number)} if path else {}
        arguments |= {name: str(number)} if name else {}
        made.build(text, files, days=0.5, **arguments)
    return made


def patched(text: str, advice: Advice) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Dockerfile")
        path.write_bytes(text.encode())
        patch = ["patch", "--quiet", "-p1", "--fuzz=0"]
        subprocess.run(patch, cwd=folder, input=advice.diff.encode(), check=True)
        return path.read_bytes().decode()


def counted(text: str) -> Counter[str]:
    return Counter(item.normalised for item in read_dockerfile(text).instructions)


@settings(max_examples=150, deadline=None)
@given(st.lists(INSTRUCTIONS, max_size=10), CHANGES)
def test_edits_keep_every_instruction_and_spare_what_they_promise(
    lines: list[str], changes: list[tuple[str, str]]
):
    text = "\n".join(["FROM base AS first", *lines]) + "\n"
    made = built(text, changes)
    advice = advise(made.history, dockerignore="")
    assert made.history[-1].at - made.history[0].at < timedelta(days=7)
    assert sum(item.seconds_a_week for item in advice) <= made.spent() + 1e-9
    for item in advice:
        if item.kind is Kind.IGNORE:
            continue
        after = patched(text, item)
        own, was = counted(after), counted(text)
        if item.kind in (Kind.ARGUMENT, Kind.ORDER):
            assert own == was
        elif item.kind is Kind.INSTALL:
            [added] = own - was
            assert added.startswith("COPY package.json ")
            assert not was - own
        else:
            assert (own - was).total() <= 1
            assert (own - was).total() == (was - own).total()
        if item.kind is not Kind.MOUNT:
            # What is copied below the moved step from now on is copied again whenever that runs.
            copies = sum(text.startswith(("COPY", "WORKDIR")) * n for text, n in own.items())
            slack = 0 if item.kind is Kind.ARGUMENT else copies * len(made.history)
            assert made.spent() - built(after, changes).spent() >= item.seconds_a_week - slack

"""Layer advice: what is advised, what it is worth by hand, and what is never advised."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from buildkit.advising import Advice, Kind, advise, applied
from buildkit.advising.finding import Reader
from buildkit.dockerfile import read_dockerfile
from buildkit.model import SourceFile
from tests.buildkit.simulating import Builder

NODE = """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
"""
FILES = {"package.json": "{}", "package-lock.json": "{}", "src/a.js": "1", "src/b.js": "1"}


def of_kind(advice: list[Advice], kind: Kind) -> list[Advice]:
    return [item for item in advice if item.kind is kind]


def texts(**known: str) -> Reader:
    """What reads the given files; dots in names are written ``__``."""
    return {name.replace("__", "."): text for name, text in known.items()}.get


def applied_to(folder: Path, text: str, advice: Advice, **others: str) -> str:
    """The Dockerfile after ``git apply``, which must be one."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_bytes(text.encode())
    for name, content in others.items():
        (folder / name.replace("__", ".")).write_text(content)
    command = ["git", "apply", "-"]
    subprocess.run(command, cwd=folder, input=advice.diff.encode(), check=True)
    found = (folder / "Dockerfile").read_bytes().decode()
    read_dockerfile(found)
    return found


def twice(text: str, files: dict[str, str] = FILES, **changed: str) -> Builder:
    """Two builds, between which ``src/a.js`` changes, and other files by name."""
    names = {name.replace("__", "."): value for name, value in changed.items()}
    return Builder().build(text, files).build(text, files | {"src/a.js": "2"} | names)


def test_an_install_below_everything_is_worth_its_runs(tmp_path: Path):
    made = twice(NODE).build(NODE, FILES | {"src/a.js": "3"})
    [advice] = of_kind(advise(made.history), Kind.INSTALL)
    assert (advice.seconds_a_week, advice.builds, advice.is_upper_bound) == (20.0, 2, False)
    assert advice.key == "install stage-0 RUN npm ci"
    assert advice.steps == ("RUN npm ci",)
    assert advice.why == (
        "It ran again in 2 of 3 builds although no manifest had changed, only because other"
        " files were copied above it: 20.0 s.",
    )
    assert "package.json" in advice.remarks[0]
    assert applied_to(tmp_path, NODE, advice).splitlines() == [
        "FROM node",
        "WORKDIR /app",
        "COPY package.json package-lock.json ./",
        "RUN npm ci",
        "COPY . .",
        "RUN npm run build",
    ]


def test_what_followed_advice_has_spared_is_no_reason_for_other_advice():
    better = NODE.replace("COPY . .\nRUN npm ci", "COPY package*.json ./\nRUN npm ci\nCOPY . .")
    made = twice(NODE).build(better, FILES | {"src/a.js": "3"})
    [advice] = of_kind(advise(made.history), Kind.MOUNT)
    assert (advice.builds, advice.seconds_a_week) == (2, 20.0), "the first, and the new line"


def test_seconds_are_divided_by_the_weeks_that_were_observed():
    made = twice(NODE).build(NODE, FILES | {"src/a.js": "3"}, days=20)
    [advice] = of_kind(advise(made.history), Kind.INSTALL)
    assert advice.seconds_a_week == pytest.approx(20 / 3)


def test_an_install_whose_manifest_changed_had_to_run():
    made = twice(NODE, package__json='{"name": "b"}')
    assert not of_kind(advise(made.history), Kind.INSTALL)


def test_without_the_files_of_the_context_nothing_is_said_of_installs():
    made = Builder(with_files=False).build(NODE, FILES).build(NODE, FILES | {"src/a.js": "2"})
    assert not of_kind(advise(made.history), Kind.INSTALL)


def test_a_lock_file_that_is_new_had_to_run():
    without = {"package.json": "{}", "src/a.js": "1"}
    made = Builder().build(NODE, without).build(NODE, FILES)
    assert not of_kind(advise(made.history), Kind.INSTALL)


@pytest.mark.parametrize(
    ("copy", "between", "run", "files"),
    [
        ("COPY . .", "", "npm ci && npm run build", {}),
        ("COPY . .", "", "npm ci --prefix=web", {}),
        ("COPY . .", "", "npm ci | tee log", {}),
        ("COPY . .", "RUN make", "npm ci", {}),
        ("COPY . .", "COPY --from=tools /x /x", "npm ci", {}),
        ("COPY . .", "WORKDIR web", "npm ci", {}),
        ("COPY . .", "USER node", "npm ci", {}),
        ("COPY . .", 'SHELL ["/bin/bash", "-c"]', "npm ci", {}),
        ("COPY --chown=$USER . .", "", "npm ci", {}),
        ("COPY --from=tools . .", "", "npm ci", {}),
        ("COPY --parents . .", "", "npm ci", {}),
        ("COPY src .", "", "npm ci", {}),
        ("COPY . web/", "", "npm ci", {}),
        ("COPY . .", "", "npm ci", {"web/package.json": "{}"}),
        ("COPY . .", "", "npm ci", {"node_modules/x/index.js": ""}),
        ("COPY . .", "", "npm ci", {"binding.gyp": ""}),
        ("COPY . .", "", "pnpm install", {"pnpm-workspace.yaml": ""}),
        ("COPY . .", "", "pip install .", {"setup.py": ""}),
        ("COPY . .", "", "pip install -e .", {"setup.py": ""}),
        ("COPY . .", "", "pip install -r req/a.txt", {"req/a.txt": ""}),
        ("COPY . .", "", "pip install -r requirements.txt", {}),
        ("COPY . .", "", "pip install -r r.txt ./local", {"r.txt": ""}),
        ("COPY . .", "", "go mod download", {"go.mod": "", "go.work": ""}),
        ("COPY . .", "", "bundle install", {"Gemfile": "", "x.gemspec": ""}),
        ("COPY . .", "", "--mount=type=bind,target=/x npm ci", {}),
    ],
)
def test_an_install_that_may_need_more_is_left_alone(
    copy: str, between: str, run: str, files: dict[str, str]
):
    text = f"FROM a AS tools\nFROM node\nWORKDIR /app\n{copy}\n{between}\nRUN {run}\n"
    made = twice(text, FILES | files)
    assert not of_kind(advise(made.history), Kind.INSTALL)


@pytest.mark.parametrize(
    "package",
    [
        {"scripts": {"postinstall": "node build.js"}},
        {"scripts": {"prepare": "husky"}},
        {"workspaces": ["web"]},
        {"dependencies": {"a": "file:./a"}},
        {"pnpm": {"patchedDependencies": {}}},
        [],
    ],
)
def test_a_package_that_needs_more_files_is_left_alone(package: object):
    made = twice(NODE)
    read = texts(package__json=json.dumps(package))
    assert not of_kind(advise(made.history, read=read), Kind.INSTALL)


def test_a_package_that_was_read_needs_no_look():
    [advice] = of_kind(advise(twice(NODE).history, read=texts(package__json="{}")), Kind.INSTALL)
    assert advice.remarks == ()


@pytest.mark.parametrize(
    "line", ["-r base.txt", "-c c.txt", "-e .", "./wheel.whl", "a @ file:///x"]
)
def test_requirements_that_refer_to_files_are_left_alone(line: str):
    text = "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
    made = twice(text, {"requirements.txt": "x", "src/a.js": "1"})
    assert of_kind(advise(made.history), Kind.INSTALL)
    read = texts(requirements__txt=f"requests==2\n{line}\n")
    assert not of_kind(advise(made.history, read=read), Kind.INSTALL)


@pytest.mark.parametrize(
    ("run", "manifests", "needs_more"),
    [
        ("yarn --frozen-lockfile", "package.json yarn.lock", '{"dependencies": {"a": "link:a"}}'),
        ("pnpm i --prod", "package.json pnpm-lock.yaml", "{"),
        ("go mod download", "go.mod go.sum", "replace a => ../a"),
        ("bundle install --jobs=4", "Gemfile Gemfile.lock", 'gem "a", path: "a"'),
        ("python3 -m pip install --no-cache-dir --requirement=r.txt flask==3", "r.txt", "-e ."),
        ("pip install -r ./r.txt -c c.txt 'x[a]==1'", "r.txt c.txt", "./a"),
        ("pip install --upgrade pip && npm ci", "", ""),
        (
            "npm ci --omit=dev && npm cache clean --force",
            "package.json",
            '{"scripts": {"prepare": "a"}}',
        ),
        ("npm ci && echo 'not closed", "", ""),
        ("pip install --target=/x -r r.txt", "", ""),
        ("pip install flask", "", ""),
    ],
)
def test_each_manager_has_its_manifests(run: str, manifests: str, needs_more: str):
    text = f"FROM a\nWORKDIR /app\nCOPY . .\nRUN {run}\n"
    names = manifests.split() or ["package.json", "r.txt"]
    made = twice(text, dict.fromkeys(names, "") | {"src/a.js": "1"})
    found = of_kind(advise(made.history), Kind.INSTALL)
    assert [f"+COPY {manifests} ./" in item.diff.splitlines() for item in found] == (
        [True] if manifests else []
    )
    read = dict.fromkeys(names, needs_more).get
    assert not of_kind(advise(made.history, read=read), Kind.INSTALL)


def test_options_of_apt_may_stand_before_its_verb():
    text = APT.replace("apt-get install -y", "apt-get -y -q install")
    assert of_kind(advise(twice(text).history), Kind.ORDER)


def test_a_directory_that_is_entered_after_the_copy_is_the_same(tmp_path: Path):
    text = "FROM node\nCOPY --chown=1:1 . /app\nWORKDIR /app\nENV A=b\nRUN npm ci --omit=dev"
    [advice] = of_kind(advise(twice(text).history), Kind.INSTALL)
    assert applied_to(tmp_path, text, advice) == (
        "FROM node\nCOPY --chown=1:1 package.json package-lock.json /app/\nWORKDIR /app\nENV A=b\n"
        "RUN npm ci --omit=dev\nCOPY --chown=1:1 . /app"
    )


ARGUMENT = """\
FROM node
WORKDIR /app
ARG VERSION
LABEL version=$VERSION
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build
"""


def test_an_argument_above_what_does_not_use_it(tmp_path: Path):
    made = Builder()
    for version in "123":
        made.build(ARGUMENT, FILES, VERSION=version)
    [advice] = of_kind(advise(made.history), Kind.ARGUMENT)
    # The install and the copy below it ran again twice; the build may read it: it stays.
    assert (advice.seconds_a_week, advice.builds) == (2 * (10 + 1), 2)
    assert applied_to(tmp_path, ARGUMENT, advice).splitlines() == [
        "FROM node",
        "WORKDIR /app",
        "COPY package.json package-lock.json ./",
        "RUN npm ci",
        "COPY . .",
        "ARG VERSION",
        "LABEL version=$VERSION",
        "RUN npm run build",
    ]
    assert "VERSION" in advice.remarks[0]


def test_an_argument_that_did_not_change_is_left_alone():
    made = Builder().build(ARGUMENT, FILES, VERSION="1").build(ARGUMENT, FILES, VERSION="1")
    assert not of_kind(advise(made.history), Kind.ARGUMENT)


def test_two_arguments_that_change_together_are_moved_together():
    text = ARGUMENT.replace("ARG VERSION\n", "ARG VERSION\nARG REVISION\n")
    made = Builder()
    for number in "12":
        made.build(text, FILES, VERSION=number, REVISION=number)
    [advice] = of_kind(advise(made.history), Kind.ARGUMENT)
    assert advice.key == "argument stage-0 ARG REVISION, VERSION"
    assert advice.seconds_a_week == 11


def test_of_two_arguments_one_of_which_must_stay_nothing_is_spared():
    text = ARGUMENT.replace("ARG VERSION\n", "ARG VERSION\nARG NPM_REGISTRY\n")
    made = Builder()
    for number in "12":
        made.build(text, FILES, VERSION=number, NPM_REGISTRY=number)
    assert not of_kind(advise(made.history), Kind.ARGUMENT)


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("VERSION", "RUN npm ci && echo ${VERSION}"),
        ("VERSION", "RUN make"),
        ("VERSION", 'RUN ["npm", "ci"]'),
        ("VERSION", "RUN <<EOF\nnpm ci\nEOF"),
        ("VERSION", "ARG VERSION=2\nRUN npm ci"),
        ("VERSION", "ENV VERSION=2\nRUN npm ci"),
        ("VERSION", "ARG OTHER=$VERSION\nRUN npm ci"),
        ("VERSION", "FROM stage-0\nARG VERSION\nRUN npm ci"),
        ("VERSION", "COPY --chown=$VERSION src src\nRUN npm ci"),
        ("NPM_CONFIG_X", "RUN npm ci"),
        ("PIP_INDEX_URL", "RUN npm ci"),
        ("HTTPS_PROXY", "RUN npm ci"),
        ("NODE_ENV", "RUN npm ci"),
        ("GOPROXY", "RUN npm ci"),
        ("TARGETARCH", "RUN npm ci"),
        ("SHARP_VERSION", "RUN npm ci"),
        ("NPM_TOKEN", "RUN npm ci"),
    ],
)
def test_an_argument_that_may_be_used_stays(name: str, below: str):
    text = f"FROM node\nARG {name}\n{below}\nRUN make\n"
    made = Builder()
    for value in "12":
        made.build(text, FILES, **{name: value})
    assert not of_kind(advise(made.history), Kind.ARGUMENT)


def test_an_install_takes_leave_of_an_argument_that_changes_with_the_files(tmp_path: Path):
    text = NODE.replace("WORKDIR", "ARG GIT_SHA\nLABEL sha=$GIT_SHA\nWORKDIR")
    made = Builder()
    for number in "123":
        made.build(text, FILES | {"src/a.js": number}, GIT_SHA=number)
    [advice] = of_kind(advise(made.history), Kind.INSTALL)
    assert advice.seconds_a_week == 20
    assert advice.title.endswith(", with GIT_SHA")
    after = applied_to(tmp_path, text, advice)
    assert after.splitlines() == [
        "FROM node",
        "WORKDIR /app",
        "COPY package.json package-lock.json ./",
        "RUN npm ci",
        "COPY . .",
        "ARG GIT_SHA",
        "LABEL sha=$GIT_SHA",
        "RUN npm run build",
    ]
    better = Builder()
    for number in "123":
        better.build(after, FILES | {"src/a.js": number}, GIT_SHA=number)
    assert made.spent() - better.spent() == 20 - 1  # the manifests are copied once


IGNORE = "FROM node\nWORKDIR /app\nCOPY . .\nRUN make\n"


def test_files_that_no_build_needs(tmp_path: Path):
    files = {"src/a.js": "1", ".git/HEAD": "1", "a.log": "1"}
    made = Builder(sizes={"src/a.js": 100, ".git/HEAD": 30, "a.log": 10})
    made.build(IGNORE, files)
    made.build(IGNORE, files | {".git/HEAD": "2"})  # 11 s, and all 2 s of the transfer
    made.build(IGNORE, files | {".git/HEAD": "3", "src/a.js": "2"})  # 30 of 130 bytes
    [advice] = of_kind(advise(made.history, dockerignore="docs\n"), Kind.IGNORE)
    assert advice.seconds_a_week == pytest.approx(11 + 2 + 2 * 30 / 130)
    assert advice.builds == 2
    assert advice.why[-1] == "The context has 40 bytes of them."
    applied_to(tmp_path, IGNORE, advice, __dockerignore="docs\n")
    assert (tmp_path / ".dockerignore").read_text() == "docs\n.git\n*.log\n"


def test_a_new_dockerignore(tmp_path: Path):
    made = Builder().build(IGNORE, {".git/HEAD": "1"}).build(IGNORE, {".git/HEAD": "2"})
    [advice] = of_kind(advise(made.history, dockerignore=""), Kind.IGNORE)
    applied_to(tmp_path, IGNORE, advice)
    assert (tmp_path / ".dockerignore").read_text() == ".git\n.dockerignore\n"


def test_a_dockerignore_that_is_not_known_is_not_changed():
    files = {".git/HEAD": "1", ".dockerignore": "x"}
    made = Builder().build(IGNORE, files).build(IGNORE, files | {".git/HEAD": "2"})
    [advice] = of_kind(advise(made.history), Kind.IGNORE)
    assert advice.diff == ""
    assert advice.remarks[-1].endswith("Add the lines: .git .dockerignore")


@pytest.mark.parametrize(
    ("path", "text", "ignore"),
    [
        ("src/a.js", IGNORE, ""),
        (".git/HEAD", IGNORE.replace("RUN make", "RUN git describe"), ""),
        (".git/HEAD", IGNORE.replace("COPY . .", "COPY .git/HEAD /head\nCOPY . ."), ""),
        (".git/HEAD", IGNORE.replace("COPY . .", "COPY src src"), ""),
        (".git/HEAD", IGNORE, ".git\n"),
        (".git/HEAD", IGNORE, "*\n!.git/HEAD\n"),
        ("node_modules/a.js", IGNORE, ""),
        ("compose.yml", IGNORE.replace("COPY . .", "COPY compose.yml /x\nCOPY . ."), ""),
        ("compose.yml", IGNORE.replace("COPY . .", "COPY comp*.yml /x\nCOPY . ."), ""),
        ("coverage/a", IGNORE.replace("RUN make", "RUN make coverage"), ""),
    ],
)
def test_what_a_build_may_need_is_not_ignored(path: str, text: str, ignore: str):
    made = Builder().build(text, {path: "1", "src/x": "1"}).build(text, {path: "2", "src/x": "1"})
    assert not of_kind(advise(made.history, dockerignore=ignore), Kind.IGNORE)


APT = """\
FROM debian
WORKDIR /app
COPY src src/
# Tools.
RUN apt-get update && apt-get install -y git
"""


def test_system_packages_are_installed_above_what_changes(tmp_path: Path):
    [advice] = of_kind(advise(twice(APT).history), Kind.ORDER)
    assert (advice.seconds_a_week, advice.builds) == (10.0, 1)
    assert applied_to(tmp_path, APT, advice).splitlines() == [
        "FROM debian",
        "WORKDIR /app",
        "# Tools.",
        "RUN apt-get update && apt-get install -y git",
        "COPY src src/",
    ]


def test_the_copy_that_changes_more_often_comes_last(tmp_path: Path):
    text = "FROM debian\nWORKDIR /app\nCOPY src src/\nCOPY docs docs/\n"
    files = FILES | {"docs/x": "1"}
    [advice] = of_kind(advise(twice(text, files).history), Kind.ORDER)
    assert advice.seconds_a_week == 1.0
    assert "COPY docs docs/\nCOPY src src/\n" in applied_to(tmp_path, text, advice)


@pytest.mark.parametrize(
    "body",
    [
        "COPY src /etc/apt/\nRUN apt-get install -y git",
        "COPY . .\nRUN apt-get install -y git",
        "WORKDIR /app\nCOPY src src\nRUN apt-get install -y ./src/a.deb",
        "WORKDIR /app\nCOPY src src\nRUN apt-get install -y $PACKAGES",
        "WORKDIR /app\nCOPY src src\nRUN apt-get install -y git && make",
        "WORKDIR /app\nCOPY src src\nUSER app\nRUN apt-get install -y git",
        "WORKDIR /app\nCOPY src src\nENV DEBIAN_FRONTEND=x\nRUN apt-get install -y git",
        "WORKDIR /app\nCOPY src src\nRUN make\nRUN apt-get install -y git",
        "WORKDIR /app\nCOPY src x\nCOPY package.json x/y",
        "WORKDIR /app\nCOPY src $X\nCOPY package.json y",
    ],
)
def test_an_order_that_may_matter_stays(body: str):
    assert not of_kind(advise(twice(f"FROM debian\n{body}\n").history), Kind.ORDER)


def test_an_order_is_not_advised_where_nothing_changed():
    made = Builder().build(APT, FILES).build(APT, FILES)
    assert not of_kind(advise(made.history), Kind.ORDER)


PIP = "FROM python\nCOPY r.txt ./\nRUN pip install --no-cache-dir -r r.txt\n"


def test_a_download_without_a_cache_mount(tmp_path: Path):
    made = Builder().build(PIP, {"r.txt": "1"}).build(PIP, {"r.txt": "2"})
    [advice] = of_kind(advise(made.history), Kind.MOUNT)
    assert (advice.seconds_a_week, advice.builds, advice.is_upper_bound) == (20.0, 2, True)
    assert "most" in advice.why[1]
    assert applied_to(tmp_path, PIP, advice).endswith(
        "\nRUN --mount=type=cache,target=/root/.cache/pip pip install -r r.txt\n"
    )


def test_apt_keeps_what_it_downloads(tmp_path: Path):
    text = (
        "FROM debian\nRUN apt-get update \\\n # git\n && apt-get install -y git \\\n"
        " && rm -rf /var/lib/apt/lists/*\n"
    )
    [advice] = of_kind(advise(Builder().build(text, {}).history), Kind.MOUNT)
    assert applied_to(tmp_path, text, advice) == (
        "FROM debian\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked"
        " --mount=type=cache,target=/var/lib/apt,sharing=locked"
        " rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update \\\n # git\n"
        " && apt-get install -y git\n"
    )


@pytest.mark.parametrize(
    ("run", "builder"),
    [
        ("pip install x", Builder(user="app")),
        ("pip install x", Builder(environment=("PIP_NO_CACHE_DIR=1",))),
        ("pip install x", Builder(environment=("HOME=/home/app",))),
        ("npm ci", Builder(environment=("npm_config_cache=/x",))),
        ("npm ci && npm cache clean --force", Builder()),
        ("npm ci --cache /x", Builder()),
        ('["npm", "ci"]', Builder()),
        ("--mount=type=cache,target=/root/.npm npm ci", Builder()),
        ("apk add git", Builder()),
        ("make", Builder()),
        ("go mod download", Builder()),
        ("go mod download\nRUN go build", Builder(environment=("GOPATH=/go",))),
        ("pip install x | tee log", Builder()),
    ],
)
def test_a_mount_that_may_not_be_the_cache_is_not_advised(run: str, builder: Builder):
    assert not of_kind(advise(builder.build(f"FROM x\nRUN {run}\n", {}).history), Kind.MOUNT)


def test_no_run_is_claimed_twice():
    made = twice(NODE).build(NODE, FILES | {"src/a.js": "3"})
    advice = advise(made.history)
    # The first run of the install is left for the mount, the others are the install's.
    assert {item.kind: item.seconds_a_week for item in advice} == {"install": 20.0, "mount": 10.0}
    assert [item.kind for item in advice] == ["install", "mount"]
    assert sum(item.seconds_a_week for item in advice) <= made.spent()


def test_nothing_is_advised_of_what_was_not_recorded_or_is_not_read():
    assert advise([]) == []
    assert advise(Builder().build("FROM a\nRUN x\n", {}).history) == []
    [one] = Builder().build(NODE, FILES).history
    for source in (), (SourceFile("Dockerfile", "FROM a\nRUM x\n"),):
        unread = replace(one.evidence, build=replace(one.evidence.build, sources=source))
        assert advise([replace(one, evidence=unread)]) == []
    assert applied(twice(NODE).history) == []


def test_what_was_followed_is_told_with_its_seconds():
    better = NODE.replace("COPY . .\nRUN npm ci", "COPY package*.json ./\nRUN npm ci\nCOPY . .")
    made = twice(NODE).build(better, FILES).build(better, FILES | {"src/a.js": "9"})
    told = {item.key: item for item in applied(made.history)}
    found = told["install stage-0 RUN npm ci"]
    assert (found.before, found.after) == ((10.0, 10.0), (10.0, 0.0))
    assert found.since == made.history[2].at
    assert not of_kind(advise(made.history), Kind.INSTALL)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.INSTALL, NODE),
        (Kind.ARGUMENT, ARGUMENT),
        (Kind.ORDER, APT),
        (Kind.MOUNT, PIP.replace("COPY r.txt", "COPY . .\nCOPY r.txt")),
        (Kind.MOUNT, "FROM debian\nCOPY . .\nRUN apt-get update && apt-get install -y git\n"),
    ],
)
def test_what_is_applied_as_advised_is_known_as_followed(tmp_path: Path, kind: Kind, text: str):
    files = FILES | {"r.txt": "1"}
    made = (
        Builder()
        .build(text, files, VERSION="1")
        .build(text, files | {"src/a.js": "2"}, VERSION="2")
    )
    [advice] = of_kind(advise(made.history), kind)
    after = applied_to(tmp_path, text, advice)
    made.build(after, files | {"src/a.js": "3"}, VERSION="3")
    [found] = [item for item in applied(made.history) if item.kind is kind]
    assert (found.key, len(found.before), len(found.after)) == (advice.key, 2, 1)
    assert not of_kind(advise(made.history), kind)


def test_files_that_are_ignored_since_are_known_as_followed():
    files = {"a.log": "1", "src/a.js": "1", "Dockerfile": "1"}
    made = Builder().build(IGNORE, files).build(IGNORE, files | {"a.log": "2"})
    del files["a.log"]
    made.build(IGNORE, files)
    [found] = [item for item in applied(made.history) if item.kind is Kind.IGNORE]
    assert found.since == made.history[2].at


def test_what_was_deleted_was_not_followed():
    made = twice(NODE).build("FROM node\nCOPY . .\n", FILES)
    assert applied(made.history) == []

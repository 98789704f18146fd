"""Which files and which instructions are development tools, and which are not."""

import pytest

from buildkit.devtools import installed_by, kind_of_path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usr/bin/x86_64-linux-gnu-gcc-12", "gcc"),
        ("usr/bin/g++", "gcc"),
        ("usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "gcc"),
        ("usr/bin/make", "make"),
        ("usr/lib/git-core/git-remote-http", "git"),
        ("usr/local/go/pkg/tool/linux_amd64/compile", "go"),
        ("root/.cargo/bin/cargo", "rust"),
        ("var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_Packages.lz4", "apt lists"),
        ("root/.npm/_cacache/content-v2/sha512/00", "npm cache"),
        ("root/.cache/pip/http/a", "pip cache"),
        ("venv/lib/python3.13/site-packages/_pytest/main.py", "pytest"),
        ("app/node_modules/jest-cli/bin/jest.js", "jest"),
        ("app/node_modules/typescript/lib/tsc.js", "typescript"),
    ],
)
def test_files_of_tools(path: str, name: str):
    kind = kind_of_path(path)
    assert kind is not None
    assert kind.name == name


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/node",
        "usr/bin/git-lfs-is-not-git",
        "usr/lib/x86_64-linux-gnu/libgcc_s.so.1",
        "usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a",
        "usr/share/doc/git/README",
        "var/lib/apt/lists/lock",
        "var/lib/dpkg/status",
        "app/src/make/index.js",
        "app/node_modules/express/index.js",
        "app/lib/pytest/x.py",
    ],
)
def test_files_that_are_no_tools(path: str):
    assert kind_of_path(path) is None


@pytest.mark.parametrize(
    ("instruction", "names"),
    [
        ("RUN apt-get update && apt-get install -y build-essential=12.9 curl", ["build-essential"]),
        ("RUN apk add --no-cache git make", ["git", "make"]),
        ("RUN npm ci", ["development dependencies"]),
        ("RUN npm install --no-audit", ["development dependencies"]),
        ("RUN yarn install --frozen-lockfile", ["development dependencies"]),
        ("RUN pip install -r requirements-dev.txt", ["requirements-dev.txt"]),
        ("RUN pip install fastapi pytest", ["pytest"]),
    ],
)
def test_instructions_that_bring_tools(instruction: str, names: list[str]):
    assert [found.name for found in installed_by(instruction)] == names


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN npm ci --omit=dev",
        "RUN npm ci --production",
        "RUN npm install -g serve",
        "RUN pnpm install --prod",
        "RUN apt-get install -y curl ca-certificates",
        "RUN apt-get install -y gcc && pip install x && apt-get purge -y gcc",
        "RUN apk add --virtual .build gcc && make && apk del .build",
        "COPY --from=build /usr/bin/make /x",
        "RUN echo npm city",
    ],
)
def test_instructions_that_bring_none(instruction: str):
    assert installed_by(instruction) == []


def test_npm_leaves_them_out_in_production():
    assert installed_by("RUN npm ci", production_env=True) == []

"""What an image need not hold at run time: development tools, by their paths and by instructions.

Only what is clearly of no use to a running service is listed; a shell or a package manager is not.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolKind:
    """A tool: its paths, without leading slash, and why an image need not have it."""

    name: str
    why: str
    paths: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Installing:
    """What an instruction brings into an image, in its own words, and what to do instead."""

    name: str
    evidence: str
    instead: str


_BIN = r"(?:usr/)?(?:local/)?s?bin/"
_ARCH = r"(?:[a-z0-9_]+-(?:[a-z0-9_]+-)*(?:gnu|musl)[a-z0-9]*-)?"
_SITE = r"(?:.*/)?(?:site|dist)-packages/"
_COMPILER = (
    "Compilers build a service; a service that runs needs none, and an intruder could use it."
)
_CACHE = "A package manager's cache or list only serves the next installation."
_TESTS = "Tests run before an image is released, not in it."
_BUILD = "Build tools serve a build, not a running service."


def _kind(name: str, why: str, paths: str) -> ToolKind:
    return ToolKind(name, why, re.compile(paths))


KINDS = (
    _kind("gcc", _COMPILER, rf"{_BIN}{_ARCH}(?:gcc|g\+\+|cpp|c\+\+|cc)(?:-\d+)?$"),
    _kind("gcc", _COMPILER, r"usr/(?:lib|libexec)/gcc/.*/(?:cc1|cc1plus|lto1|collect2)$"),
    _kind("clang", _COMPILER, rf"{_BIN}clang(?:\+\+)?(?:-\d+)?$|usr/lib/llvm[^/]*/bin/"),
    _kind("go", _COMPILER, r"usr/local/go/(?:bin|pkg/tool)/"),
    _kind("rust", _COMPILER, r"usr/local/(?:cargo|rustup)/|root/\.(?:cargo|rustup)/"),
    _kind("binutils", _COMPILER, rf"{_BIN}{_ARCH}(?:as|ld|ld\.bfd|ld\.gold)$"),
    _kind("make", _BUILD, rf"{_BIN}(?:make|gmake|cmake|ninja)$"),
    _kind("git", _BUILD, rf"{_BIN}git$|usr/(?:lib|libexec)/git-core/"),
    _kind("apt lists", _CACHE, r"var/lib/apt/lists/.*_(?:Packages|Sources|InRelease|Release)"),
    _kind("apt archives", _CACHE, r"var/cache/apt/(?:archives/.*\.deb|.*pkgcache\.bin)$"),
    _kind("apk cache", _CACHE, r"(?:var/cache/apk|etc/apk/cache)/.+"),
    _kind("npm cache", _CACHE, r"(?:root|home/[^/]+)/\.npm/_cacache/"),
    _kind("yarn cache", _CACHE, r"(?:root|home/[^/]+|usr/local/share)/\.cache/yarn/"),
    _kind("pip cache", _CACHE, r"(?:root|home/[^/]+)/\.cache/(?:pip|uv|pypoetry)/"),
    _kind("pytest", _TESTS, rf"{_SITE}(?:_?pytest|pytest_[^/]+)/|{_BIN}pytest$"),
    _kind("jest", _TESTS, r"(?:.*/)?node_modules/(?:jest|jest-[^/]+|@jest)/"),
    _kind("vitest", _TESTS, r"(?:.*/)?node_modules/(?:vitest|@vitest)/"),
    _kind("mocha", _TESTS, r"(?:.*/)?node_modules/mocha/"),
    _kind("playwright", _TESTS, r"(?:.*/)?node_modules/(?:@playwright|playwright(?:-core)?)/"),
    _kind("eslint", _BUILD, r"(?:.*/)?node_modules/(?:eslint|@eslint)/"),
    _kind("typescript", _BUILD, r"(?:.*/)?node_modules/typescript/"),
    _kind("webpack", _BUILD, r"(?:.*/)?node_modules/webpack/"),
    _kind("vite", _BUILD, r"(?:.*/)?node_modules/(?:vite|esbuild|@esbuild)/"),
)

_LONGEST = 4_000
"""Characters of an instruction that are looked at: the patterns are not for hostile lengths."""

_INSTALLED = re.compile(
    r"\b(?:apt-get|apt|apk|dnf|yum|microdnf)\b[^;&|]*\b(?:install|add)\b([^;&|]*)"
)
_REMOVED = re.compile(r"\b(?:purge|autoremove|apk\s+del|(?:dnf|yum|apt-get|apt)\s+remove)\b")
_PACKAGES = frozenset(
    [
        "build-essential",
        "gcc",
        "g++",
        "make",
        "cmake",
        "clang",
        "git",
        "build-base",
        "musl-dev",
        "linux-headers",
        "autoconf",
        "automake",
        "gdb",
        "strace",
        "vim",
        "python3-dev",
        "libc6-dev",
        "gcc-c++",
    ]
)
_NPM = re.compile(r"\bnpm\s+(?:ci|install|i)\b(?P<options>[^;&|]*)")
_YARN = re.compile(r"\b(?:yarn|pnpm)\s+install\b(?P<options>[^;&|]*)")
_WITHOUT_DEV = re.compile(r"--omit[= ]dev|--production|--only=prod|--prod\b|-P\b|-g\b|--global")
_PIP = re.compile(r"\b(?:pip3?|uv\s+pip)\s+install\b(?P<rest>[^;&|]*)")
_TEST_PACKAGES = re.compile(
    r"\b(pytest|tox|coverage|mypy|ruff|black|flake8)\b|(?<!\S)\S*requirements[-_.](?:dev|test)\S*"
)


def kind_of_path(path: str) -> ToolKind | None:
    """Return the tool that a file is part of, if it is one."""
    if path.startswith("usr/share/"):
        return None
    return next((kind for kind in KINDS if kind.paths.match(path)), None)


def installed_by(instruction: str, *, production_env: bool = False) -> list[Installing]:
    """Return the development tools that an instruction of an image's last stage leaves in it.

    ``production_env`` tells that NODE_ENV is production for it, with which npm leaves development
    dependencies out. What the same instruction removes again is not told.
    """
    if not instruction.startswith("RUN"):
        return []
    instruction = instruction[:_LONGEST]
    found = [*_system(instruction), *_python(instruction)]
    if not production_env:
        found += _node(instruction)
    return found


def _system(instruction: str) -> list[Installing]:
    if _REMOVED.search(instruction):
        return []
    words = [word for found in _INSTALLED.finditer(instruction) for word in found[1].split()]
    names = list(dict.fromkeys(word.partition("=")[0] for word in words))
    return [
        Installing(name, f"installs {name}", "Install it in a build stage and copy what it makes.")
        for name in names
        if name in _PACKAGES
    ]


def _node(instruction: str) -> list[Installing]:
    calls = [*_NPM.finditer(instruction), *_YARN.finditer(instruction)]
    return [
        Installing(
            "development dependencies",
            f"{call[0].strip()} without leaving out development dependencies",
            "Leave them out: --omit=dev, or NODE_ENV=production.",
        )
        for call in calls
        if not _WITHOUT_DEV.search(call["options"])
    ]


def _python(instruction: str) -> list[Installing]:
    named = (_TEST_PACKAGES.search(call["rest"]) for call in _PIP.finditer(instruction))
    return [
        Installing(found[0], f"pip installs {found[0]}", "Install it in a stage for tests.")
        for found in named
        if found
    ]

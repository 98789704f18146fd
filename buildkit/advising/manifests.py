"""Which files of a project an install reads, and when it may read more than those."""

import json
import re
from collections.abc import Callable, Iterator

from buildkit.advising.commands import Install
from buildkit.advising.finding import Reader
from buildkit.explaining import Files
from buildkit.values import as_dict

_NODE = ("package.json", ".npmrc", ".nvmrc", ".node-version")
_FILES: dict[str, tuple[str, ...]] = {
    "npm": (*_NODE, "package-lock.json", "npm-shrinkwrap.json"),
    "yarn": (*_NODE, "yarn.lock", ".yarnrc", ".yarnrc.yml"),
    "pnpm": (*_NODE, "pnpm-lock.yaml", ".pnpmfile.cjs"),
    "go": ("go.mod", "go.sum"),
    "bundle": ("Gemfile", "Gemfile.lock", ".ruby-version", ".tool-versions"),
}
_NEEDED = {"go": "go.mod", "bundle": "Gemfile", "pip": ""}

# What an install reads beside its manifests, or what a copy below it would put over its results.
_MORE = re.compile(
    r"binding\.gyp|pnpm-workspace\.yaml|lerna\.json|go\.work|\.yarn/.*|patches/.*|\.bundle/.*"
    r"|[^/]*\.gemspec|vendor/.*|node_modules/.*"
)
_SCRIPTS = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare")
_LOCAL = re.compile(r"(?:file|link|portal|workspace|patch):|\.{0,2}/|~/")
_REQUIREMENT = re.compile(
    r"\s*(?:-[rcef]|--(?:requirement|constraint|editable|find-links))\b|\s*(?:\.|/|file:)"
    r"|.*@\s*(?:file:|\.|/)|[^#]*\.(?:whl|tar\.gz|zip)\b(?!.*://)"
)
_GO_LOCAL = re.compile(r"=>\s*\.{0,2}/")
_GEM_LOCAL = re.compile(r"\bpath\b|\bgemspec\b|eval_gemfile|File\.|require_relative|instance_eval")
# Options that say where, or for which of several packages, have to be understood.
_ELSEWHERE = "prefix|dir|cwd|C|g|global|location|w|ws|workspace|workspaces|filter|F|gemfile|path"
_OPTION = re.compile(rf"--?(?!-|(?:{_ELSEWHERE})\b)[\w-]+(?:=[\w:.-]*)?")

LOOK = "Look whether {name} {what}: it was not to be read here."


def manifests_of(install: Install, files: Files) -> tuple[str, ...]:
    """Return the files of the context's root that an install reads; none if that is not sure."""
    is_node = install.manager in ("npm", "yarn", "pnpm")
    if any(_MORE.fullmatch(path) for path in files) or (is_node and _is_workspace(files)):
        return ()
    if install.manager == "pip":
        named = _requirements(install.words)
        return named if named and all(name in files for name in named) else ()
    if not all(map(_OPTION.fullmatch, install.words)):
        return ()
    needed = _NEEDED.get(install.manager, "package.json")
    found = tuple(name for name in _FILES.get(install.manager, ()) if name in files)
    return found if needed in found else ()


def remarks_of(install: Install, manifests: tuple[str, ...], read: Reader) -> list[str] | None:
    """Return what to look at as it could not be read; ``None`` if the install needs more files."""
    remarks: list[str] = []
    for name, what, needs_more in _checks(install.manager, manifests):
        text = read(name)
        if text is None:
            remarks.append(LOOK.format(name=name, what=what))
        elif needs_more(text):
            return None
    return remarks


def _checks(
    manager: str, manifests: tuple[str, ...]
) -> Iterator[tuple[str, str, Callable[[str], bool]]]:
    if manager in ("npm", "yarn", "pnpm"):
        words = "has scripts that run on install, workspaces or packages of this folder"
        yield "package.json", words, _package_needs_more
    elif manager == "pip":
        for name in manifests:
            yield name, "refers to other files", _requirements_need_more
    elif manager == "go":
        yield "go.mod", "replaces modules by folders", lambda text: bool(_GO_LOCAL.search(text))
    elif manager == "bundle":
        yield "Gemfile", "refers to other files", lambda text: bool(_GEM_LOCAL.search(text))


def _package_needs_more(text: str) -> bool:
    try:
        package = json.loads(text)
    except ValueError:
        return True
    if not isinstance(package, dict) or {"workspaces", "patchedDependencies"} & package.keys():
        return True
    scripts = as_dict(package.get("scripts"))
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "overrides", "resolutions")
    values = [str(item) for kind in kinds for item in as_dict(package.get(kind)).values()]
    has_own = "pnpm" in package or any(_LOCAL.match(value) for value in values)
    return has_own or any(name in scripts for name in _SCRIPTS)


def _requirements_need_more(text: str) -> bool:
    return any(_REQUIREMENT.match(line) for line in text.splitlines())


def _is_workspace(files: Files) -> bool:
    packages = [path for path in files if path.rpartition("/")[2] == "package.json"]
    return sum("node_modules" not in path.split("/") for path in packages) > 1


def _requirements(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requirement and constraint files of pip's words; none if it installs paths."""
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("-r", "--requirement", "-c", "--constraint"):
            names.append(next(rest, "/"))
        elif word.startswith(("--requirement=", "--constraint=")):
            names.append(word.partition("=")[2])
        elif word not in _PIP_OPTIONS and (word.startswith("-") or not _is_name(word)):
            return ()
    names = [name.removeprefix("./") for name in names]
    is_plain = all(re.fullmatch(r"[\w.-]+", name) for name in names)
    return tuple(dict.fromkeys(names)) if is_plain else ()


_PIP_OPTIONS = frozenset(
    {
        *("--no-cache-dir", "--no-cache", "--upgrade", "-U", "--user", "-q", "--quiet"),
        *("--no-deps", "--require-hashes", "--disable-pip-version-check", "--no-compile"),
        *("--prefer-binary", "--no-input"),
    }
)


def _is_name(word: str) -> bool:
    """Whether it names a package of an index, maybe with a version."""
    return (
        re.fullmatch(r"[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?([=<>!~]=?[\w.*,<>=!]+)?", word) is not None
    )

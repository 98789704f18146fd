"""Bake's plan: what ``docker buildx bake --print`` says will be built, and in which order."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from buildkit.errors import ParseError
from buildkit.secret_names import SECRET_NAME
from buildkit.values import Json, as_dict, as_list, as_text, as_text_map

_TARGET = "target:"
"""Begins the value of a named context that is another target's result."""


class CycleInPlanError(ParseError):
    """Targets that need each other; ``cycle`` names them in order, the first again at the end."""

    def __init__(self, cycle: Iterable[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__("plan", f"targets need each other: {' → '.join(self.cycle)}")


class UnknownTargetError(ParseError):
    """A target that the plan does not have."""


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """A cache to import or export, as ``cache-from`` and ``cache-to`` name it: type and values."""

    type: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The reference of a registry cache; empty for what lies elsewhere."""
        return self.values.get("ref", "") if self.type == "registry" else ""

    def __str__(self) -> str:
        """Return it as Bake takes it."""
        pairs = (f"{name}={value}" for name, value in self.values.items())
        return ",".join([f"type={self.type}", *pairs])

    def without_secrets(self) -> "CacheSpec":
        """Return it without the credentials that some types of cache carry."""
        shown = {name: text for name, text in self.values.items() if not SECRET_NAME.search(name)}
        return CacheSpec(self.type, shown)


@dataclass(frozen=True, slots=True)
class Target:
    """One target of a plan; ``needs`` are the targets whose results it builds on."""

    name: str
    context: str = "."
    dockerfile: str = "Dockerfile"
    inline: str = ""
    stage: str = ""
    needs: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    cache_from: tuple[CacheSpec, ...] = ()
    cache_to: tuple[CacheSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Targets by name, and the groups that name several."""

    targets: Mapping[str, Target]
    groups: Mapping[str, tuple[str, ...]]

    def expand(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the targets that names of targets and groups stand for, each once.

        Raises:
            UnknownTargetError: a name is neither.
        """
        found: dict[str, None] = {}
        waiting = list(names)
        expanded: set[str] = set()
        while waiting:
            name = waiting.pop(0)
            if name in self.groups and name not in expanded:
                expanded.add(name)
                waiting = [*self.groups[name], *waiting]
            elif name in self.targets:  # also one in a group of its own name, as "default" is
                found[name] = None
            elif name not in self.groups:
                known = ", ".join(sorted({*self.targets, *self.groups}))
                raise UnknownTargetError(name, f"there is no such target; there are {known}")
        return tuple(found)

    def order(self) -> tuple[str, ...]:
        """Return all targets, each after those it needs; equals in the order of their names.

        Raises:
            CycleInPlanError: targets need each other.
            UnknownTargetError: a target needs one that the plan does not have.
        """
        return tuple(name for wave in self.waves() for name in wave)

    def waves(self) -> tuple[tuple[str, ...], ...]:
        """Return the targets in waves: those of one wave need nothing of each other."""
        self._check_needs()
        sorter = TopologicalSorter({name: target.needs for name, target in self.targets.items()})
        try:
            sorter.prepare()
        except CycleError as error:
            raise CycleInPlanError(reversed(error.args[1])) from error
        waves: list[tuple[str, ...]] = []
        while sorter.is_active():
            ready = tuple(sorted(sorter.get_ready()))
            waves.append(ready)
            sorter.done(*ready)
        return tuple(waves)

    def _check_needs(self) -> None:
        for target in self.targets.values():
            for need in target.needs:
                if need not in self.targets:
                    raise UnknownTargetError(target.name, f"it needs the unknown target {need}")


def read_plan(text: str) -> Plan:
    """Read the JSON that ``docker buildx bake --print`` writes.

    Raises:
        ParseError: it is no such JSON.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("plan", f"not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("target"), dict):
        raise ParseError("plan", "there is no target in it")
    targets = {name: _target(name, as_dict(item)) for name, item in document["target"].items()}
    groups = {
        name: tuple(as_text(target) for target in as_list(as_dict(item).get("targets")))
        for name, item in as_dict(document.get("group")).items()
    }
    return Plan(targets, groups)


def _target(name: str, item: Json) -> Target:
    contexts = as_text_map(item.get("contexts"))
    addresses = contexts.values()
    return Target(
        name=name,
        context=as_text(item.get("context")) or ".",
        dockerfile=as_text(item.get("dockerfile")) or "Dockerfile",
        inline=as_text(item.get("dockerfile-inline")),
        stage=as_text(item.get("target")),
        needs=tuple(sorted({c.removeprefix(_TARGET) for c in addresses if c.startswith(_TARGET)})),
        contexts=contexts,
        args=as_text_map(item.get("args")),
        labels=as_text_map(item.get("labels")),
        tags=tuple(as_text(tag) for tag in as_list(item.get("tags"))),
        platforms=tuple(as_text(platform) for platform in as_list(item.get("platforms"))),
        cache_from=tuple(map(read_cache_spec, as_list(item.get("cache-from")))),
        cache_to=tuple(map(read_cache_spec, as_list(item.get("cache-to")))),
    )


def read_cache_spec(item: object) -> CacheSpec:
    """Read a cache as Bake prints it, or as text: ``type=registry,ref=…`` or only a reference."""
    if isinstance(item, str):
        pairs = dict(pair.partition("=")[::2] for pair in item.split(",") if "=" in pair)
        values = pairs or {"type": "registry", "ref": item}
    else:
        values = dict(as_text_map(item))
    kind = values.pop("type", "registry")
    return CacheSpec(kind, values)

"""A builder with a cache, in a few lines: what it would run of a Dockerfile, and for how long."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from buildkit.advising import Observed
from buildkit.dockerfile import Dockerfile, Instruction, read_dockerfile
from buildkit.explaining import Evidence, explain
from buildkit.explaining.files import changed_files
from buildkit.model import SourceFile, Step, StepKind, StepState
from buildkit.steps import StepName, identify
from tests.builds.making import build, step

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS = {"RUN": 10.0, "COPY": 1.0, "ADD": 1.0, "WORKDIR": 0.5}
"""How long an instruction takes that is not in the cache."""

type Sources = Mapping[str, str]
"""Content by path."""


@dataclass
class Builder:
    """One builder and the builds that it made; ``user`` is that of all commands."""

    cache: set[str] = field(default_factory=set)
    history: list[Observed] = field(default_factory=list)
    user: str = ""
    environment: tuple[str, ...] = ("PATH=/bin",)
    seconds: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] | None = None
    with_files: bool = True
    ends: dict[str, tuple[int | None, str, dict[str, str]]] = field(default_factory=dict)
    """Last step, its key, and the variables of each stage."""

    def build(self, text: str, files: Sources, days: float = 1.0, **arguments: str) -> "Builder":
        """Build so many days after the build before; the first one on the first day."""
        at = self.history[-1].at + timedelta(days=days) if self.history else FIRST
        before = self.history[-1].evidence if self.history else None
        steps = list(self._steps(read_dockerfile(text), files, arguments))
        made = build(
            *steps,
            build_args=dict(arguments),
            builder="one",
            frontend_attrs={"filename": "Dockerfile"},
            sources=(SourceFile("Dockerfile", text),),
        )
        evidence = Evidence(made, dict(files) if self.with_files else None, self.sizes)
        self.history.append(Observed(evidence, explain(evidence, before), before, at))
        return self

    def spent(self) -> float:
        """Seconds of all steps of all builds."""
        return sum(s.busy_seconds for one in self.history for s in one.evidence.build.steps)

    def _steps(
        self, dockerfile: Dockerfile, files: Sources, arguments: Mapping[str, str]
    ) -> Iterator[Step]:
        yield self._context(files)
        self.ends = {}
        position = 1
        for stage in dockerfile.stages:
            last, key, kept = self.ends.get(stage.base, (None, stage.base, {}))
            env, names = dict(kept), []
            for item in stage.instructions:
                env |= dict(_set(item, env, arguments))
                if item.keyword in SECONDS:
                    inputs, key = self._inputs(item, last, key, env, files)
                    kind = StepKind(item.keyword.lower())
                    names.append(StepName(kind, stage.name, "", item.normalised))
                    yield self._step(position, item, names, inputs, key, _op(item, env, self))
                    last, position = position, position + 1
            self.ends[stage.name] = (last, key, _kept(stage.instructions, env))

    def _context(self, files: Sources) -> Step:
        content = "".join(sorted(f"{path}={text}\n" for path, text in files.items()))
        took = 0.0 if content in self.cache else 2.0
        self.cache.add(content)
        known = {"kind": StepKind.CONTEXT, "stage": "", "instruction": "context", "inputs": ()}
        return step(0, 0, took, name="load", identity="context", transferred_bytes=1, **known)

    def _inputs(
        self, item: Instruction, last: int | None, key: str, env: Mapping[str, str], files: Sources
    ) -> tuple[tuple[int, ...], str]:
        """What a step stands on, and its key in the cache."""
        patterns = _patterns(item)
        source = self.ends.get(item.flag("from") or "", (None, "", {}))
        copied = changed_files({}, files, patterns).added if patterns else ()
        content = "".join(f"{path}={files[path]}\n" for path in copied)
        parts = (key, source[1], item.normalised, str(_op(item, env, self)), content)
        below = {number for number in (last, source[0]) if number is not None}
        inputs = tuple(sorted(below | ({0} if patterns else set())))
        return inputs, hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _step(
        self,
        position: int,
        item: Instruction,
        names: list[StepName],
        inputs: tuple[int, ...],
        key: str,
        op: dict[str, Any],
    ) -> Step:
        name = names[-1]
        is_cached = key in self.cache
        self.cache.add(key)
        return step(
            position,
            0,
            0.0 if is_cached else self._seconds(item),
            kind=name.kind,
            state=StepState.CACHED if is_cached else StepState.EXECUTED,
            stage=name.stage,
            name=f"[{name.stage} {len(names)}/99] {item.normalised}",
            instruction=item.normalised,
            identity=identify(names, [""] * len(names))[-1].key,
            inputs=inputs,
            op=op,
            dockerfile_name="Dockerfile",
            dockerfile_line=item.start_line,
        )

    def _seconds(self, item: Instruction) -> float:
        known = (took for word, took in self.seconds.items() if word in item.normalised)
        return next(known, SECONDS[item.keyword])


def _kept(items: Sequence[Instruction], env: Mapping[str, str]) -> dict[str, str]:
    """What a stage that is built on this one has of its environment."""
    own = {item.value.partition("=")[0] for item in items if item.keyword == "ENV"}
    return {name: value for name, value in env.items() if name in own}


def _set(
    item: Instruction, env: Mapping[str, str], arguments: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    name, _, value = item.value.partition("=")
    if item.keyword == "ARG":
        yield name, arguments.get(name, value)
    elif item.keyword == "ENV":
        yield name, env.get(value.strip("${}"), value) if value.startswith("$") else value


def _patterns(item: Instruction) -> list[str]:
    is_copy = item.keyword in ("COPY", "ADD") and item.flag("from") is None
    return item.words[:-1] if is_copy else []


def _op(item: Instruction, env: Mapping[str, str], builder: Builder) -> dict[str, Any]:
    if item.keyword == "RUN":
        variables = [*builder.environment, *(f"{n}={v}" for n, v in env.items())]
        meta = {"args": ["/bin/sh", "-c", item.value], "env": variables, "user": builder.user}
        return {"exec": {"meta": meta, "mounts": list(item.flags)}}
    copies = [{"Action": {"copy": {"src": src, "dest": item.value}}} for src in _patterns(item)]
    return {"file": {"actions": copies or [{"Action": {"mkdir": {"path": item.value}}}]}}

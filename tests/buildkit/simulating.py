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
        context = "".join(sorted(f"{path}={text}\n" for path, text in files.items()))
        took = 0.0 if context in self.cache else 2.0
        self.cache.add(context)
        yield step(
            0, 0, took, kind=StepKind.CONTEXT, name="load", stage="", instruction="context",
            identity="context", inputs=(), transferred_bytes=1,
        )  # fmt: skip
        position = 1
        ends: dict[str, tuple[int | None, str, dict[str, str]]] = {}
        for stage in dockerfile.stages:
            last, key, env = ends.get(stage.base, (None, stage.base, {}))
            env, names, written = dict(env), [], 0
            for number, item in enumerate(stage.instructions):
                env |= dict(_set(item, env, arguments))
                if item.keyword not in SECONDS:
                    continue
                op, patterns = _op(item, env, self), _patterns(item)
                source = ends.get(item.flag("from") or "", (None, "", {}))
                changed = changed_files({}, files, patterns).added if patterns else ()
                content = "".join(f"{path}={files[path]}\n" for path in changed)
                parts = (key, source[1], item.normalised, str(op), content)
                key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
                inputs = [n for n in (last, source[0]) if n is not None] + ([0] if patterns else [])
                names.append(
                    StepName(StepKind(item.keyword.lower()), stage.name, "", item.normalised)
                )
                ran = 0.0 if key in self.cache else self._seconds(item)
                state = StepState.CACHED if key in self.cache else StepState.EXECUTED
                self.cache.add(key)
                yield step(
                    position, 0, ran, kind=names[-1].kind, state=state, stage=stage.name,
                    name=f"[{stage.name} {number + 1}/99] {item.normalised}",
                    instruction=item.normalised, identity=identify(names, [""] * len(names))[-1].key,
                    inputs=tuple(sorted(inputs)), op=op, dockerfile_name="Dockerfile",
                    dockerfile_line=item.start_line,
                )  # fmt: skip
                last, position, written = position, position + 1, written + 1
            ends[stage.name] = (
                last,
                key,
                {n: v for n, v in env.items() if _is_kept(stage.instructions, n)},
            )

    def _seconds(self, item: Instruction) -> float:
        known = (took for word, took in self.seconds.items() if word in item.normalised)
        return next(known, SECONDS[item.keyword])


def _is_kept(items: Sequence[Instruction], name: str) -> bool:
    return any(item.keyword == "ENV" and item.value.startswith(f"{name}=") for item in items)


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

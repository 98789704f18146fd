"""A build put together from what its pieces say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from buildkit import graph
from buildkit.draft import Draft
from buildkit.model import (
    CACHEABLE_KINDS,
    Build,
    BuildStatus,
    CacheCounts,
    Material,
    ResourceSample,
    SourceFile,
    Step,
    StepKind,
    StepState,
    Timing,
    Transfer,
)
from buildkit.provenance import ProvenanceStep
from buildkit.status import Vertex
from buildkit.steps import (
    Identity,
    StepName,
    find_build_start,
    find_states,
    identify,
    parse_name,
)
from buildkit.times import NANOSECONDS, seconds_between

_LATE = 2**63
_ENDED = (StepState.EXECUTED, StepState.CACHED, StepState.SHARED, StepState.FAILED)
_NOTHING = ProvenanceStep(None, "", "", None, (), None)


@dataclass(frozen=True, slots=True)
class _Graph:
    """Vertices in topological order with their inputs, states and busy intervals."""

    vertices: list[Vertex]
    inputs: list[tuple[int, ...]]
    states: list[StepState]
    intervals: list[tuple[graph.Interval, ...]]
    paths: graph.Paths


def assemble(draft: Draft) -> Build:
    """Make the build; facts of the record win over those of provenance."""
    status = draft.status or BuildStatus.SUCCEEDED
    _drop_absurd_times(draft)
    laid_out = _lay_out(draft, status)
    names = [parse_name(vertex.name) for vertex in laid_out.vertices]
    platforms = _platforms(draft, names)
    steps = _steps(draft, laid_out, names, platforms)
    args = _arguments(draft)
    return Build(
        buildkit_ref=draft.ref,
        status=status,
        target=args.get("target", ""),
        platforms=platforms,
        started_ns=draft.started_ns,
        completed_ns=draft.completed_ns,
        timing=_timing(draft, laid_out),
        cache=_cache_counts(draft, steps),
        steps=steps,
        builder=draft.builder,
        frontend=_first(provenance.frontend for _, provenance in draft.provenances),
        frontend_attrs=args,
        build_args=_with_prefix(args, "build-arg:"),
        labels=_with_prefix(args, "label:"),
        repository_url=_repository(draft, args),
        revision=_revision(draft, args),
        name_hint=draft.name_hint,
        failure=draft.failure,
        warnings=tuple(dict.fromkeys((*draft.log.warnings, *draft.warnings))),
        sources=_sources(draft),
        materials=_materials(draft),
        images=draft.images,
        resources=_resources(draft),
        has_provenance=bool(draft.provenances),
        builder_platform=_builder_platform(draft),
        trace=draft.trace,
        console=draft.console,
        problems=draft.problems.all(),
    )


def _drop_absurd_times(draft: Draft) -> None:
    if draft.started_ns is None:
        draft.started_ns = _first_time(item.started_ns for _, item in draft.provenances)
    if draft.completed_ns is None and draft.status is not BuildStatus.RUNNING:
        draft.completed_ns = _first_time(item.completed_ns for _, item in draft.provenances)
    if draft.started_ns is None or draft.completed_ns is None:
        return
    seconds = seconds_between(draft.started_ns, draft.completed_ns)
    if not 0 <= seconds <= draft.log.limits.max_duration_seconds:
        draft.problems.add(draft.log.path, f"a build of {seconds:.0f} s: its end is left out")
        draft.completed_ns = None


def _lay_out(draft: Draft, status: BuildStatus) -> _Graph:
    seen = list(draft.log.vertices.values())
    inputs = _resolve_inputs(draft, seen)
    priority = [(_LATE if v.started_ns is None else v.started_ns, i) for i, v in enumerate(seen)]
    order = graph.topological_order(inputs, priority)
    place = [0] * len(seen)
    for position, node in enumerate(order.nodes):
        place[node] = position
    if order.cycle:
        names = " -> ".join(seen[node].name[:80] for node in (*order.cycle, order.cycle[0]))
        draft.problems.add(draft.log.path, f"inputs form a cycle, edges left out: {names}")
    vertices = [seen[node] for node in order.nodes]
    placed = [
        tuple(sorted({place[source] for source in inputs[node] if place[source] < position}))
        for position, node in enumerate(order.nodes)
    ]
    begin = find_build_start(vertices, draft.started_ns)
    states = find_states(vertices, status, begin)
    intervals = [
        _intervals(vertex, state, begin, draft.completed_ns)
        for vertex, state in zip(vertices, states, strict=True)
    ]
    weights = [sum(end - start for start, end in pairs) for pairs in intervals]
    return _Graph(vertices, placed, states, intervals, graph.longest_paths(placed, weights))


def _resolve_inputs(draft: Draft, vertices: list[Vertex]) -> list[list[int]]:
    index = {digest: number for number, digest in enumerate(draft.log.vertices)}
    resolved: list[list[int]] = []
    unknown = 0
    for vertex in vertices:
        known = [index[digest] for digest in vertex.inputs if digest in index]
        unknown += len(vertex.inputs) - len(known)
        resolved.append(known)
    if unknown:
        draft.problems.add(draft.log.path, f"{unknown} inputs name no vertex: left out")
    return resolved


def _intervals(
    vertex: Vertex, state: StepState, begin_ns: int | None, completed_ns: int | None
) -> tuple[graph.Interval, ...]:
    """When a step was busy in this build.

    Work that another build had begun counts from this build's begin only, and work that the end
    of this build cut off up to that end.
    """
    pairs = [(start, end) for start, end in vertex.starts.items() if end is not None]
    if vertex.is_open and state is StepState.CANCELED and completed_ns is not None:
        last = max(vertex.starts)
        pairs.append((last, max(last, completed_ns)))
    if begin_ns is not None:
        pairs = [(max(start, begin_ns), end) for start, end in pairs if end > begin_ns]
    return graph.merge_intervals(pairs)


def _platforms(draft: Draft, names: Sequence[StepName]) -> tuple[str, ...]:
    """As recorded, else those that step names say, else what provenance says of the builder."""
    if draft.platforms:
        return draft.platforms
    named = {name.platform for name in names} - {""}
    if named:
        return tuple(sorted(named))
    attested = [name or item.platform for name, item in draft.provenances]
    return tuple(dict.fromkeys(name for name in attested if name))


def _builder_platform(draft: Draft) -> str:
    """What all attestations agree on; nodes of several platforms have no one of their own."""
    attested = {item.platform for _, item in draft.provenances} - {""}
    return attested.pop() if len(attested) == 1 else ""


def _steps(
    draft: Draft, laid_out: _Graph, names: Sequence[StepName], platforms: Sequence[str]
) -> tuple[Step, ...]:
    only = platforms[0] if len(platforms) == 1 else ""
    facts = [_facts(draft, vertex) for vertex in laid_out.vertices]
    step_platforms = [
        name.platform or only or fact.platform for name, fact in zip(names, facts, strict=True)
    ]
    identities = identify(names, step_platforms)
    critical = set(laid_out.paths.path) if laid_out.paths.length else set()
    return tuple(
        _step(
            laid_out,
            position,
            names[position],
            step_platforms[position],
            identities[position],
            facts[position],
            is_critical=position in critical,
        )
        for position in range(len(names))
    )


def _step(
    laid_out: _Graph,
    position: int,
    name: StepName,
    platform: str,
    identity: Identity,
    fact: ProvenanceStep,
    *,
    is_critical: bool,
) -> Step:
    vertex = laid_out.vertices[position]
    intervals = laid_out.intervals[position]
    sizes = [layer.size_bytes for layer in fact.layers]
    is_sized = bool(sizes) and None not in sizes
    transfers = tuple(vertex.transfers.values())
    return Step(
        position=position,
        vertex_digest=vertex.digest,
        name=vertex.name,
        kind=_kind(name, fact),
        state=laid_out.states[position],
        stage=name.stage,
        platform=platform,
        instruction=name.instruction,
        ordinal=identity.ordinal,
        identity=identity.key,
        inputs=laid_out.inputs[position],
        intervals=intervals,
        started_ns=vertex.started_ns,
        completed_ns=vertex.completed_ns,
        busy_seconds=sum(end - start for start, end in intervals) / NANOSECONDS,
        slack_seconds=laid_out.paths.slack[position] / NANOSECONDS,
        critical=is_critical,
        what_if_seconds=laid_out.paths.gain[position] / NANOSECONDS,
        error=vertex.error,
        dockerfile_name=fact.filename,
        dockerfile_line=fact.line,
        layer_digest=fact.layers[-1].digest if fact.layers else "",
        layer_bytes=sum(size for size in sizes if size is not None) if is_sized else None,
        transferred_bytes=_transferred(transfers),
        usage=fact.usage,
        op=fact.op,
        transfers=transfers,
        log=vertex.log.chunks(),
    )


def _facts(draft: Draft, vertex: Vertex) -> ProvenanceStep:
    for _, provenance in draft.provenances:
        if vertex.digest in provenance.steps:
            return provenance.steps[vertex.digest]
    return _NOTHING


def _kind(name: StepName, fact: ProvenanceStep) -> StepKind:
    """The operation decides only where the name does not: a ``COPY --link`` may be several."""
    if name.kind is StepKind.INTERNAL and fact.kind is not None:
        return fact.kind
    return name.kind


def _transferred(transfers: Iterable[Transfer]) -> int | None:
    """Bytes moved; unpacking a layer repeats bytes that its download counted."""
    moved = [
        transfer.current
        for transfer in transfers
        if (transfer.current or transfer.total or transfer.id.startswith("transferring"))
        and not transfer.id.startswith("extracting")
    ]
    return sum(moved) if moved else None


def _timing(draft: Draft, laid_out: _Graph) -> Timing:
    busy = sum(end - start for pairs in laid_out.intervals for start, end in pairs)
    wall = idle = parallelism = None
    if draft.started_ns is not None and draft.completed_ns is not None:
        begin, end = draft.started_ns, draft.completed_ns
        wall = seconds_between(begin, end)
        clipped = [
            (max(first, begin), min(last, end))
            for pairs in laid_out.intervals
            for first, last in pairs
            if last > begin and first < end
        ]
        idle = wall - graph.union_length(clipped) / NANOSECONDS
        parallelism = busy / NANOSECONDS / wall if wall > 0 else None
    return Timing(
        wall_seconds=wall,
        busy_seconds=busy / NANOSECONDS,
        critical_path_seconds=laid_out.paths.length / NANOSECONDS,
        parallelism=parallelism,
        idle_seconds=idle,
    )


def _cache_counts(draft: Draft, steps: Sequence[Step]) -> CacheCounts:
    """BuildKit's counts as recorded, else counted; a shared step that never ran has no end."""
    cached = [step for step in steps if step.state is StepState.CACHED]
    ended = [
        step
        for step in steps
        if step.kind in CACHEABLE_KINDS and step.state in _ENDED and step.completed_ns is not None
    ]
    return CacheCounts(
        steps_total=len(steps) if draft.steps_total is None else draft.steps_total,
        steps_cached=len(cached) if draft.steps_cached is None else draft.steps_cached,
        cacheable_steps=len(ended),
        cacheable_cached=sum(step.state is StepState.CACHED for step in ended),
    )


def _arguments(draft: Draft) -> dict[str, str]:
    """Frontend attributes of the record; without one, those that provenance kept."""
    if draft.attrs:
        return draft.attrs
    return next((item.args for _, item in draft.provenances if item.args), {})


def _with_prefix(args: dict[str, str], prefix: str) -> dict[str, str]:
    return {
        key.removeprefix(prefix): value for key, value in args.items() if key.startswith(prefix)
    }


def _repository(draft: Draft, args: dict[str, str]) -> str:
    named = (args.get("vcs:source", ""), args.get("label:org.opencontainers.image.source", ""))
    return _first(named) or _first(item.repository_url for _, item in draft.provenances)


def _revision(draft: Draft, args: dict[str, str]) -> str:
    named = (args.get("vcs:revision", ""), args.get("label:org.opencontainers.image.revision", ""))
    return _first(named) or _first(item.revision for _, item in draft.provenances)


def _sources(draft: Draft) -> tuple[SourceFile, ...]:
    known = [source for _, item in draft.provenances for source in item.sources]
    return tuple(dict.fromkeys((*known, *draft.sources)))


def _materials(draft: Draft) -> tuple[Material, ...]:
    found = (material for _, item in draft.provenances for material in item.materials)
    return tuple(dict.fromkeys(found))


def _resources(draft: Draft) -> tuple[ResourceSample, ...]:
    """Samples of a sampler; without one, those of provenance (every platform has the same)."""
    if draft.resources:
        return draft.resources
    return max((item.resources for _, item in draft.provenances), key=len, default=())


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _first_time(values: Iterable[int | None]) -> int | None:
    return next((value for value in values if value is not None), None)

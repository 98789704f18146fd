"""Why advice is given, in sentences with numbers."""

from buildkit.advising.advice import Kind

_WHY = {
    Kind.INSTALL: "It ran again in {builds} of {all} builds although no manifest had changed, only"
    " because other files were copied above it: {seconds}.",
    Kind.ARGUMENT: "In {builds} of {all} builds steps that do not use it ran again because of its"
    " value: {seconds}.",
    Kind.IGNORE: "In {builds} of {all} builds these files alone made steps run again, or were"
    " sent: {seconds}.",
    Kind.ORDER: "It ran again in {builds} of {all} builds only because of files that are copied"
    " above it: {seconds}.",
    Kind.MOUNT: "It ran in {builds} of {all} builds: {seconds}.",
}
LEAST = 0.1

_BOUND = "How much of that is downloading was not recorded: it is the most that can be spared."


def spoken(seconds: float) -> str:
    """Return a time in words, of which a little is not nothing."""
    return f"{seconds:.1f} s" if seconds >= LEAST else f"less than {LEAST} s"


def why_of(
    kind: Kind, seconds: float, builds: int, builds_in_all: int, spared_bytes: int | None
) -> tuple[str, ...]:
    """Return the sentences of one piece of advice; ``spared_bytes`` are of the newest context."""
    told = [_WHY[kind].format(builds=builds, all=builds_in_all, seconds=spoken(seconds))]
    if kind is Kind.MOUNT:
        told.append(_BOUND)
    if spared_bytes is not None:
        told.append(f"The context has {spared_bytes} bytes of them.")
    return tuple(told)

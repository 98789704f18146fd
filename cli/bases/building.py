"""How a target is built to be compared: for one platform, into the engine."""

from dataclasses import dataclass, field

from buildkit.bake import Target
from cli import telling
from cli.building import Asked, run_batches, set_variables
from cli.confining import check_sources, confined_definition

LOAD = "--load"


@dataclass(frozen=True, slots=True)
class Way:
    """What both builds have in common; ``fields`` are noted in their records."""

    files: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)
    is_confined: bool = False

    def prepare(self, target: str) -> None:
        """Set Bake's variables; before that, see that a confined definition lies where it may.

        Raises:
            UsageError: it lies elsewhere.
        """
        if self.is_confined:
            check_sources(self.files, [target])
        set_variables(self.fields.get("variant"), self.fields.get("environment"))

    def build(self, target: Target, image: str, branch: str) -> None:
        """Build a target as ``image``.

        Raises:
            SystemExit: it failed; it has been told why.
            UsageError: a confined definition asks for what it may not.
        """
        asked = self._asked(target, image, branch)
        runs = run_batches(asked, [[target.name]])
        telling.tell(runs, asked.files, None, verbose_cache=False, wait=True)
        if code := runs[-1].ended.exit_code:
            raise SystemExit(code)

    def _asked(self, target: Target, image: str, branch: str) -> Asked:
        overrides = [f"{target.name}.tags={image}"]
        overrides += [f"{target.name}.platform={item}" for item in target.platforms[:1]]
        fields = self.fields | {"ref_name": branch}
        if not self.is_confined:
            return Asked(self.files, tuple(overrides), (LOAD,), fields)
        definition = confined_definition(self.files, [target.name], overrides, [LOAD])
        return Asked((definition,), fields=fields, plain=True)

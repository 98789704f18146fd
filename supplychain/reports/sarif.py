"""SARIF 2.1.0 as Trivy writes it: what a result is about stands in lines of its message.

Packages have neither a package URL nor a layer there, and lines of places that Trivy does not
know are 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from buildkit.values import Json, as_dict, as_dicts, as_list, as_text
from supplychain.reports.gathering import Gathering
from supplychain.reports.model import (
    Artifact,
    License,
    Misconfiguration,
    Package,
    Report,
    Scanner,
    Secret,
    Severity,
    Target,
    TargetClass,
    Vulnerability,
)
from supplychain.reports.secrecy import fingerprint, without
from supplychain.reports.values import (
    MAX_CVSS,
    NAME_LIMIT,
    PATH_LIMIT,
    PROSE_LIMIT,
    URL_LIMIT,
    WrongShapeError,
    bounded,
    child,
    line,
    objects,
    score,
    severity_of,
    text,
    texts,
)

_CLASSES = {
    "OsPackageVulnerability": TargetClass.OS_PACKAGES,
    "LanguageSpecificPackageVulnerability": TargetClass.LANGUAGE_PACKAGES,
    "Misconfiguration": TargetClass.CONFIG,
    "Secret": TargetClass.SECRET,
    "License": TargetClass.LICENSE,
}
_CVSS_VERSIONS = (
    ("cvssv3_baseScore", "cvssv3_vector"),
    ("cvssv40_baseScore", "cvssv40_vector"),
    ("cvssv2_score", "cvssv2_vector"),
)
# What Trivy writes for want of a score: one for each severity.
_STAND_INS = {9.5, 8.0, 5.5, 2.0, 0.0}
# GitHub's bands of the same number, from the highest.
_BANDS = (
    (9.0, Severity.CRITICAL),
    (7.0, Severity.HIGH),
    (4.0, Severity.MEDIUM),
    (0.1, Severity.LOW),
)
# The last key of its message, whose value may have lines of its own.
_MATCH, _MESSAGE, _LINK = "\nMatch: ", "\nMessage: ", "\nLink: "


@dataclass(slots=True)
class _Result:
    """One result with its rule and the place that it is at."""

    rule: Json
    tags: tuple[str, ...]
    message: str
    """As it is, not cleaned: it may hold a secret."""
    facts: dict[str, str]
    uri: str
    region: Json
    target: Target

    def fact(self, name: str, limit: int = NAME_LIMIT) -> str:
        """Value of a line ``name: value`` of the message, cleaned and cut; empty if not there."""
        return bounded(self.facts.get(name, ""), limit)

    def severity(self) -> Severity:
        """Severity of the message, else of the rule, which results of one id share."""
        for word in (self.facts.get("Severity", ""), *self.tags):
            if word.upper() in Severity.__members__:
                return severity_of(word)
        number = _number(self.rule)
        return next(
            (item for least, item in _BANDS if number and number >= least), Severity.UNKNOWN
        )

    def title(self) -> str:
        """The rule's short description, not cleaned."""
        return text(child(self.rule, "shortDescription"), "text", PROSE_LIMIT)

    def url(self) -> str:
        """Where to read of it."""
        return text(self.rule, "helpUri", URL_LIMIT)

    def lines(self, placeholder: bool) -> tuple[int | None, int | None]:
        """First and last line; none where 1 to 1 is but a ``placeholder``."""
        found = (line(self.region, "startLine"), line(self.region, "endLine"))
        return (None, None) if placeholder and found == (1, 1) else found


def is_of_trivy(run: object) -> bool:
    """Whether a run is one of Trivy."""
    driver = as_dict(as_dict(as_dict(run).get("tool")).get("driver"))
    return as_text(driver.get("name")).lower().startswith("trivy")


def read(document: Json, gathering: Gathering) -> Report:
    """Read the runs of Trivy; those of other tools are problems."""
    first: Json = {}
    for index, run in enumerate(as_list(document.get("runs"))):
        place = f"report/runs[{index}]"
        if not is_of_trivy(run):
            gathering.problems.add(place, "not a run of Trivy")
            continue
        first = first or run
        gathering.each(run.get("results"), f"{place}/results", _reader(run, gathering))
    scanner = gathering.part("report/runs", lambda: _scanner(first), Scanner("Trivy", ""))
    artifact = gathering.part("report/runs", lambda: _artifact(first), Artifact("", ""))
    return gathering.report("sarif", scanner, artifact, None)


def _scanner(run: Json) -> Scanner:
    return Scanner("Trivy", text(child(child(run, "tool"), "driver"), "version"))


def _artifact(run: Json) -> Artifact:
    """Only runs over images have properties; others say at most the folder that was scanned."""
    properties = child(run, "properties")
    root = child(child(run, "originalUriBaseIds"), "ROOTPATH")
    name = text(properties, "imageName", PATH_LIMIT)
    folder = unquote(text(root, "uri", PATH_LIMIT)).removeprefix("file://")
    return Artifact(
        name=name or bounded(folder, PATH_LIMIT),
        kind="container_image" if name else "",
        image_id=text(properties, "imageID"),
        repo_digests=texts(properties, "repoDigests", PATH_LIMIT),
        repo_tags=texts(properties, "repoTags", PATH_LIMIT),
    )


def _reader(run: Json, gathering: Gathering) -> Callable[[Json, str], None]:
    driver = as_dict(as_dict(run.get("tool")).get("driver"))
    rules = {as_text(rule.get("id")): rule for rule in as_dicts(driver.get("rules"))}
    targets: dict[Target, Target] = {}

    def read_result(entry: Json, _place: str) -> None:
        rule_id = text(entry, "ruleId")
        result = _result(entry, rules.get(rule_id, {}))
        kind = _kind_of(result)
        if kind not in _READERS:
            raise WrongShapeError("its rule does not say what kind of result it is")
        if result.target not in targets:
            gathering.targets.append(result.target)
        result.target = targets.setdefault(result.target, result.target)
        _READERS[kind](result, rule_id, gathering)

    return read_result


def _result(entry: Json, rule: Json) -> _Result:
    message = child(entry, "message").get("text")
    if not isinstance(message, str):
        raise WrongShapeError("message has no text")
    facts: dict[str, str] = {}
    for told in message.split("\n"):
        name, colon, value = told.strip().partition(":")
        if colon:
            facts.setdefault(name, value.strip())
    locations = objects(entry, "locations")
    physical = child(locations[0], "physicalLocation") if locations else {}
    uri = unquote(text(child(physical, "artifactLocation"), "uri", PATH_LIMIT))
    uri = bounded(uri, PATH_LIMIT)
    kind = _CLASSES.get(text(rule, "name"), TargetClass.UNKNOWN)
    ecosystem = facts.get("Type", "") if kind is TargetClass.CONFIG else ""
    return _Result(
        rule=rule,
        tags=texts(child(rule, "properties"), "tags"),
        message=message,
        facts=facts,
        uri=uri,
        region=child(physical, "region"),
        target=Target(uri, kind.value, bounded(ecosystem, NAME_LIMIT)),
    )


def _kind_of(result: _Result) -> str:
    """Return what a result is: by a tag of its rule, else by the rule's name; empty if unknown."""
    tagged = next((tag for tag in result.tags if tag in _READERS), "")
    return tagged or _KINDS.get(result.target.target_class, "")


def _vulnerability(result: _Result, rule_id: str, gathering: Gathering) -> None:
    is_language = result.target.target_class == TargetClass.LANGUAGE_PACKAGES
    cvss_score, cvss_vector = _cvss(child(result.rule, "properties"))
    found = Vulnerability(
        package=Package(
            target=result.target,
            name=result.fact("Package"),
            version=result.fact("Installed Version"),
            path=result.uri if is_language else "",
        ),
        id=rule_id,
        aliases=(),
        severity=result.severity(),
        severity_source="",
        fixed_version=result.fact("Fixed Version"),
        status="",
        title=result.title(),
        url=result.url(),
        cvss_score=cvss_score,
        cvss_vector=cvss_vector,
        epss=None,
        is_known_exploited=None,
        published_at=None,
    )
    gathering.vulnerabilities.append(found)


def _cvss(properties: Json) -> tuple[float | None, str]:
    """Return score and vector; of reports before 0.58, which have but one number, that."""
    for score_key, vector_key in _CVSS_VERSIONS:
        found = score(properties, score_key, MAX_CVSS)
        if found is not None:
            return found, text(properties, vector_key)
    number = _number({"properties": properties})
    return (None if number in _STAND_INS else number), ""


def _number(rule: Json) -> float | None:
    """Return the rule's ``security-severity``, 0 to 10; ``None`` if there is none."""
    told = text(child(rule, "properties"), "security-severity")
    try:
        number = float(told) if told else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number <= MAX_CVSS else None


def _misconfiguration(result: _Result, rule_id: str, gathering: Gathering) -> None:
    start_line, end_line = result.lines(placeholder=True)
    told = result.message.partition(_MESSAGE)[2].rpartition(_LINK)[0]
    found = Misconfiguration(
        target=result.target,
        id=rule_id,
        status="FAIL",
        severity=result.severity(),
        title=result.title(),
        message=bounded(told, PROSE_LIMIT) or result.fact("Message", PROSE_LIMIT),
        resolution="",
        url=result.url(),
        resource="",
        start_line=start_line,
        end_line=end_line,
    )
    gathering.misconfigurations.append(found)


def _secret(result: _Result, rule_id: str, gathering: Gathering) -> None:
    """Note where a secret lies; descriptions of its rule and its snippet hold it, as the message.

    The match is a line or more; Trivy's title of a rule is the short description.
    """
    start_line, end_line = result.lines(placeholder=False)
    match = result.message.partition(_MATCH)[2]
    title = child(result.rule, "shortDescription").get("text")
    found = Secret(
        target=result.target,
        rule_id=without(match, rule_id),
        category="",
        severity=result.severity(),
        title=without(match, title if isinstance(title, str) else ""),
        start_line=start_line,
        end_line=end_line,
        layer_digest="",
        layer_diff_id="",
        fingerprint=fingerprint(gathering.key, match),
    )
    gathering.secrets.append(found)


def _license(result: _Result, rule_id: str, gathering: Gathering) -> None:
    """A rule of licences is ``package:licence``; its message names both too."""
    name = result.fact("PkgName")
    found = License(
        target=result.target,
        package_name=name,
        path=result.fact("Path", PATH_LIMIT),
        name=rule_id.removeprefix(f"{name}:"),
        category=result.fact("Classification"),
        severity=result.severity(),
        url=result.url(),
    )
    gathering.licenses.append(found)


_KINDS: dict[str, str] = {
    TargetClass.OS_PACKAGES: "vulnerability",
    TargetClass.LANGUAGE_PACKAGES: "vulnerability",
    TargetClass.CONFIG: "misconfiguration",
    TargetClass.SECRET: "secret",
    TargetClass.LICENSE: "license",
}
_READERS: dict[str, Callable[[_Result, str, Gathering], None]] = {
    "vulnerability": _vulnerability,
    "misconfiguration": _misconfiguration,
    "secret": _secret,
    "license": _license,
}

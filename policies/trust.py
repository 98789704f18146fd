"""What the newest verification of an image says, as far as it still counts."""

from django.db.models import Q
from django.utils import timezone

from accounts.models import Project
from buildkit.values import as_dict, as_list
from policies.images import Subject
from supplychain.gate.evidence import Trust
from supplychain.trust.policy import Policy
from supplychain.trust.reading import read_policy
from supplychain.trust.reasons import OF_PROVENANCE, OF_SIGNATURES
from supplychain.trust.standing import fault_of_key
from trust.models import TrustPolicyVersion, Verification
from trust.own import NOT_VERIFIED, policy_for


def trust_of(subject: Subject, environment: str) -> Trust | None:
    """Return what was verified of a digest last, by the policy that holds.

    Without an environment it is the one that its build was for, or any if that says none. Where
    the registry or cosign failed nothing was verified.
    """
    rows = Verification.objects.filter(project=subject.project, digest=subject.digest)
    if where := environment or (subject.build.environment if subject.build else ""):
        rows = rows.filter(environment=where)
    rows = rows.exclude(reasons__contains=[{"code": NOT_VERIFIED}])
    newest = rows.filter(_by_what_holds(subject.project)).order_by("-verified_at", "-pk").first()
    return _trust(newest, policy_for(subject.project, newest.environment)) if newest else None


def _by_what_holds(project: Project) -> Q:
    """Tell verifications by the version that holds for their environment.

    A result that was sent may name it by its digest alone. Where the server has no policy each
    sender has its own.
    """
    holding: Q = Q()
    named: list[str] = []
    versions = TrustPolicyVersion.objects.filter(policy__project=project).holding()
    for version in versions.select_related("policy"):
        own = Q(policy_version=version) | Q(inputs__policy=version.digest)
        holding |= Q(environment__in=version.policy.environments) & own
        named += version.policy.environments
    return holding | (Q(policy_version=None) & ~Q(environment__in=named))


def _trust(newest: Verification, version: TrustPolicyVersion | None) -> Trust:
    policy = read_policy(version.document) if version else None
    lapsed = _lapsed(policy) if policy else {}
    own = policy.environment(newest.environment) if policy else None
    codes = {reason["code"] for reason in newest.reasons}
    provenance = as_dict(newest.facts.get("provenance"))
    signers, attesters = _names(newest.facts.get("signed_by")), _names(provenance.get("by"))
    return Trust(
        at=newest.verified_at,
        is_signed=len(signers - lapsed.keys()) >= max(own.needs.signatures if own else 1, 1)
        and not codes & OF_SIGNATURES,
        has_provenance=provenance.get("standing") == "counts"
        and not attesters & lapsed.keys()
        and not codes & OF_PROVENANCE,
        reasons=(
            *(f"{reason['code']}: {reason['message']}" for reason in newest.reasons),
            *(lapsed[name] for name in sorted((signers | attesters) & lapsed.keys())),
        ),
    )


def _names(value: object) -> set[str]:
    return {name for name in as_list(value) if isinstance(name, str)}


def _lapsed(policy: Policy) -> dict[str, str]:
    """Return why keys do not count any more, which may have counted when it was verified."""
    now = timezone.now()
    faults = ((key.id, fault_of_key(key, now)) for key in policy.keys)
    return {name: f"{fault.code}: {fault.message}" for name, fault in faults if fault}

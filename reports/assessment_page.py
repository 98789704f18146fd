"""What the page of the vulnerability assessment shows."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Project
from policies.pages import BADGES as OUTCOMES
from reports.assessment import Assessment
from security.models import Severity
from security.remediation import RemediationForm
from security.severities import badge_of


def assessment_page(project: Project, found: Assessment, form: RemediationForm) -> dict[str, Any]:
    """Return the context."""
    said = {name: value for name, value in form.cleaned_data.items() if value}
    address = f"{reverse('api:assessment')}?{urlencode({'project': project.slug} | said)}"
    return {
        "found": found,
        "form": form,
        "links": [
            (label, f"{address}&format={name}")
            for label, name in (("As PDF", "pdf"), ("As CSV", "csv"), ("As JSON", "json"))
        ],
        "severities": [(line, badge_of(Severity[line.severity])) for line in found.severities],
        "findings": [(line, badge_of(Severity[line.severity])) for line in found.findings],
        "images": [(line, OUTCOMES.get(line.verdict, "")) for line in found.images],
    }

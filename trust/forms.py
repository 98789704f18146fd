"""A trust policy as people write it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from supplychain.trust.policy import Policy
from supplychain.trust.reading import PolicyError, load_document, read_policy
from trust.serializers import NAME

EXAMPLE = """\
version: 1
keys:
  - id: release-2026
    public_key: |
      -----BEGIN PUBLIC KEY-----
      …
      -----END PUBLIC KEY-----
    valid_until: 2027-01-01
environments:
  production:
    signers: [release-2026]
    builders: ["https://ci.example.com/*"]
    repositories: ["https://github.com/example/*"]
    refs: [main, "release/*", "refs/tags/v*"]
    needs: {signature: true, provenance: true, sbom: true}
"""


class TrustPolicyForm(forms.Form):
    """Name and text; an error of the text names its place in it."""

    name = forms.RegexField(NAME, max_length=60, help_text="A new version, if there is one of it.")
    document = forms.CharField(
        label="Policy",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "class": "mono"}),
        help_text="YAML or JSON.",
    )

    policy: Policy

    def clean_document(self) -> dict[str, Any]:
        """Read the text."""
        try:
            document = load_document(self.cleaned_data["document"].replace("\r\n", "\n"))
            self.policy = read_policy(document, allow_files=False)
        except PolicyError as error:
            raise ValidationError([f"{place}: {text}" for place, text in error.errors]) from error
        return document

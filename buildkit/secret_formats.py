"""Formats of tokens that are clear enough to be known anywhere: in logs, images and addresses.

No two unbounded repeats can meet on the same text, so that hostile texts cost linear time.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """A format as a regular expression; where none of ``marks`` is, it need not be looked for."""

    rule: str
    pattern: str
    marks: tuple[str, ...]


def _format(rule: str, pattern: str, *marks: str) -> TokenFormat:
    return TokenFormat(rule, pattern, marks)


TOKENS = (
    _format(
        "GitHub token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _format("GitLab token", r"\bglpat-[\w-]{16,}", "glpat-"),
    _format("AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "AKIA", "ASIA"),
    _format("Slack token", r"\bxox[abposr]-[0-9][\w-]{9,}", "xox"),
    _format("Slack webhook", r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}", "hooks.slack"),
    _format("npm token", r"\bnpm_[A-Za-z0-9]{30,}", "npm_"),
    _format("Docker token", r"\bdckr_pat_[\w-]{20,}", "dckr_pat_"),
    _format("Google API key", r"\bAIza[\w-]{35}\b", "AIza"),
    _format("Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,}", "k_live_"),
    _format("PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[\w-]{40,}", "pypi-AgEI"),
    _format("API key", r"\bsk-(?:ant|proj)-[\w-]{32,}", "sk-ant-", "sk-proj-"),
    _format("Hugging Face token", r"\bhf_[A-Za-z]{34}\b", "hf_"),
    _format("SendGrid key", r"\bSG\.[\w-]{22}\.[\w-]{43}", "SG."),
    _format("buildinsights token", r"\bbi_[0-9a-f]{12}_[\w-]{20,}", "bi_"),
)
"""Looked for in any file."""

WEB_TOKEN = _format("JSON web token", r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}", "eyJ")
"""Looked for in texts alone: files of test data have many that open nothing."""

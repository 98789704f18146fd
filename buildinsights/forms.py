"""What forms have in common."""

from django.forms import BaseForm


def errors_of(form: BaseForm) -> dict[str, list[str]]:
    """Return the errors of a form as DRF's ``ValidationError`` takes them: texts by field."""
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}

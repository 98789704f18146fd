"""What people type about saved views."""

from django import forms

from reports.models import LONGEST_PATH


class SaveViewForm(forms.Form):
    """A page of the project, and what it shall be called."""

    name = forms.CharField(max_length=100)
    page = forms.CharField(
        max_length=LONGEST_PATH,
        help_text="Path and query of a page of this project, as the browser shows them.",
    )

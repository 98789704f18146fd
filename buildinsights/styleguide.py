"""Every component on one page, for whoever writes the next page; routed under ``DEBUG`` only."""

import re
from pathlib import Path

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

STATES = [
    ["queued", "running", "succeeded", "failed", "canceled", "lost"],
    ["executed", "cached", "shared", "pending"],
    ["cold", "partial", "warm"],
    ["critical", "high", "medium", "low", "info"],
]


class ExampleForm(forms.Form):
    """A field of each kind, one with an error."""

    name = forms.CharField(help_text="What it is called.")
    role = forms.ChoiceField(choices=[("viewer", "Viewer"), ("lead", "Team lead")])
    scopes = forms.MultipleChoiceField(
        choices=[("read", "Read"), ("write", "Write")], widget=forms.CheckboxSelectMultiple
    )


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show all components with realistic content."""
    icons = (Path(settings.BASE_DIR) / "static" / "icons.svg").read_text()
    context = {
        "states": STATES,
        "form": ExampleForm({"name": "", "role": "viewer", "scopes": ["read"]}),
        "active": [{"label": "Status: failed", "remove": "#"}],
        "tabs": [
            {"label": "Timeline", "href": "#", "current": True},
            {"label": "Warnings", "href": "#", "count": 2},
        ],
        "crumbs": [{"label": "Builds", "href": "#"}],
        "spark": {
            "points": "0,18 20,17 40,18 60,9 80,8 100,9",
            "band": "",
            "mark": 50,
            "summary": "6 weeks, 31 s to 52 s, higher since the fourth",
        },
        "icon_names": re.findall(r'<symbol id="([^"]+)"', icons),
    }
    return render(request, "styleguide.html", context)

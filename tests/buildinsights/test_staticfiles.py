"""Plotly is served from its wheel, under a name by its content, compressed."""

import re
from pathlib import Path
from typing import Any

import brotli
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import override_settings

from buildinsights import settings as real
from buildinsights.staticfiles import PLOTLY, PlotlyFinder

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "js" / "chart.js"


def test_one_file_of_the_wheel_is_found_and_no_other():
    found = finders.find(PLOTLY)
    assert isinstance(found, str)
    assert Path(found).parts[-3:] == ("plotly", "package_data", "plotly.min.js")
    for other in ("plotly/widgetbundle.js", "plotly/../plotly.min.js", "plotly.min.js"):
        assert PlotlyFinder().find(other) == [], other
    assert [name for name, _ in PlotlyFinder().list(None)] == ["plotly.min.js"]


def test_it_is_collected_by_hash_and_compressed(tmp_path: Path, settings: Any):
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [], tmp_path
    settings.STATICFILES_FINDERS = ["buildinsights.staticfiles.PlotlyFinder"]
    with override_settings(STORAGES=real.STORAGES):
        call_command("collectstatic", interactive=False, verbosity=0)
    [hashed] = tmp_path.glob("plotly/plotly.min.????????????.js")
    packed = hashed.with_name(f"{hashed.name}.br").read_bytes()
    assert len(packed) < 0.3 * hashed.stat().st_size
    assert brotli.decompress(packed) == hashed.read_bytes()


def test_styles_that_plotly_would_add_are_those_that_are_kept_out():
    """chart.js marks them as there; a Plotly that adds another must not come unseen."""
    plotly = Path(str(finders.find(PLOTLY))).read_text()
    places = [match.start() for match in re.finditer(r'createElement\("style"\)', plotly)]
    marked = re.search(r"const STYLES = \[(.+?)\];", SCRIPT.read_text(), re.DOTALL)
    assert marked is not None
    names = re.findall(r'"([^"]+)"', marked[1])
    assert len(places) == len(names)
    assert '"plotly.js-style-"+' in plotly
    assert f'getElementById("{names[1]}")' in plotly

"""Every real report of Trivy's own formats, against counts that were made independently."""

import pytest

from supplychain.reports.reading import read_report
from tests.supplychain.corpus import KEY, expected, load

EXPECTED = expected()


@pytest.mark.parametrize("name", EXPECTED)
def test_counts_are_those_of_the_corpus(name: str):
    report = read_report(load(name), key=KEY)
    wanted = EXPECTED[name]
    counts = report.counts()
    assert {kind: counts[kind] for kind in counts} == {kind: wanted[kind] for kind in counts}
    assert report.distinct_vulnerabilities() == wanted["distinct"]
    assert len(report.targets) == wanted["results"]
    assert len(report.packages) == wanted["packages"]
    assert report.problems == ()

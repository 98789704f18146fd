"""What a report costs, by a wide margin; beside it what parsing its JSON alone costs."""

import json
import time
from collections.abc import Callable
from itertools import cycle, islice

from supplychain.reports.reading import read_report
from tests.supplychain.corpus import KEY, load_json, names
from tests.supplychain.making import result, rule, sarif

COUNT = 5_000


def best(call: Callable[[], object]) -> float:
    """The least of a few times, in seconds."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


def test_five_thousand_findings_cost_little_more_than_their_json():
    results = [item for name in names("v2") for item in load_json(name).get("Results") or []]
    real = [finding for item in results for finding in item.get("Vulnerabilities") or []]
    findings = [
        finding | {"VulnerabilityID": f"CVE-{number}", "PkgName": f"package-{number // 6}"}
        for number, finding in enumerate(islice(cycle(real or [{}]), COUNT))
    ]
    data = json.dumps({"SchemaVersion": 2, "Results": [{"Vulnerabilities": findings}]}).encode()
    assert len(read_report(data, key=KEY).vulnerabilities) == COUNT
    # Less than two times of real findings; the rest is for a busy machine, and for short ones.
    assert best(lambda: read_report(data, key=KEY)) < 5 * best(lambda: json.loads(data)) + 0.1


def test_many_rules_of_sarif_cost_no_square():
    rules = [rule(f"CVE-{number}", "", "vulnerability", "LOW") for number in range(COUNT)]
    document = sarif(rules, [result(f"CVE-{number}", "Package: a") for number in range(COUNT)])
    data = json.dumps(document).encode()
    begun = time.perf_counter()
    assert len(read_report(data, key=KEY).vulnerabilities) == COUNT
    assert time.perf_counter() - begun < 5

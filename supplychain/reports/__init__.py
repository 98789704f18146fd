"""Reports of scanners: Trivy's JSON of both schemas, and SARIF and CycloneDX as Trivy writes them.

``supplychain.reports.reading.read_report`` is the way in.
"""

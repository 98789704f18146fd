"""Bills of materials: SPDX and CycloneDX, alone or in an attestation.

``supplychain.sboms.reading.read_sbom`` is the way in.
"""

"""The order of versions, as each ecosystem of packages defines it.

``supplychain.versions.schemes.scheme_of`` is the way in; ``ranges`` has what people ask with.
"""

"""Bodies of documents, which are small."""

from buildinsights.parsers import BoundedJSONParser


class DocumentParser(BoundedJSONParser):
    """JSON of a result."""

    most_bytes = 2 * 1024**2

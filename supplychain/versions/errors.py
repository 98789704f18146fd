"""What cannot be ordered."""


class InvalidVersionError(ValueError):
    """A text that is no version of its ecosystem."""


class InvalidRangeError(ValueError):
    """A text that is no range of versions; the message says why, for people."""

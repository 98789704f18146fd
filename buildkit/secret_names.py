"""Names of variables whose values nobody is shown."""

import re

SECRET_NAME = re.compile(r"(?i)pass(?:word|wd)|secret|token|api[_-]?key|private[_-]?key|credential")

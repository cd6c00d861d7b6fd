"""The log: one line of JSON an event on stderr, or of text where a person watches it in a terminal.

A line has `time` (UTC), `level`, `process`, `logger`, `message`, what is known of the request or job (`request_id`,
`job_id`, `pipeline_id`, …), and for an unforeseen error its `traceback`. It has no key and no body.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from app.telemetry import context


class JsonLines(logging.Formatter):
    """One object a line: a line break in what is logged is escaped, so nobody can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **context.known(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:
            # Half a character (a lone surrogate) is no UTF-8; the standard library escapes it.
            return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """The same for a person: time, level, message, and the fields behind it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line, without the traceback."""
        fields = context.known() | getattr(record, "fields", {})
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in fields.items())])


def start(level: str) -> None:
    """Send what this process logs to stderr.

    Parameters
    ----------
    level
        From which on lines of this project are shown; of libraries warnings and worse are.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(TextLines() if sys.stderr.isatty() else JsonLines())
    # gunicorn cuts its logger off from the root.
    for name in ("", "gunicorn.error"):
        logging.getLogger(name).handlers = [handler]
    logging.getLogger("app").setLevel(level)
    logging.captureWarnings(True)
    # No line tells these, and finding them out takes its time.
    logging.logThreads = logging.logMultiprocessing = False

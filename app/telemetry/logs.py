"""The log: one line of JSON an event on stderr, or of text where a person watches it in a terminal.

A line has `time` (UTC), `level`, `process`, `logger`, `message`, what is known of the request or job (`request_id`,
`job_id`, `pipeline_id`, …), and for an unforeseen error its `traceback`. It has no key and no body.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from app.telemetry import context

#: What a terminal obeys or breaks a line at.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

#: Seconds that lines wait for others.
_MOMENT = 0.05


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
        line = " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in fields.items())])
        return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


class Gathering(logging.StreamHandler[TextIO]):
    """Writes the lines of many requests together, a moment later; what is a warning, or worse, at once.

    Each line by itself would be written by the thread of its request, which waits for the interpreter again when that
    is done: of eight that predict, each gets an eighth less done.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: deque[str] = deque()
        self._some = threading.Event()
        threading.Thread(target=self._write_on, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            if record.levelno >= logging.WARNING:
                self.flush()
            elif not self._some.is_set():
                self._some.set()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write all lines that there are, in their order."""
        self.acquire()
        try:
            lines = "".join(self._lines.popleft() for _ in range(len(self._lines)))
            if lines:
                self.stream.write(lines)
                self.stream.flush()
        finally:
            self.release()

    def _write_on(self) -> None:
        while self._some.wait():
            time.sleep(_MOMENT)
            self._some.clear()
            # Whoever read them has gone: requests are answered all the same.
            with suppress(OSError, ValueError):
                self.flush()


def gather() -> None:
    """Write what this process logs from now on together, where no person watches it: in each web process."""
    if not sys.stderr.isatty():
        _send_to(Gathering(sys.stderr))


def _send_to(handler: logging.Handler) -> None:
    handler.setFormatter(TextLines() if sys.stderr.isatty() else JsonLines())
    # gunicorn cuts its logger off from the root.
    for name in ("", "gunicorn.error"):
        logging.getLogger(name).handlers = [handler]


def start(level: str) -> None:
    """Send what this process logs to stderr.

    Parameters
    ----------
    level
        From which on lines of this project are shown; of libraries warnings and worse are.
    """
    _send_to(logging.StreamHandler())
    logging.getLogger("app").setLevel(level)
    logging.captureWarnings(True)
    # No line tells these, nor where in the code it was written, and finding them out takes its time.
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None

"""Lines of the log, as a program reads them and as a person does."""

import json
import logging
import sys
import threading
import time
import weakref

import pytest

from app.telemetry import context
from app.telemetry.logs import Gathering, JsonLines, TextLines


def record(message, *arguments, error=None, **fields):
    made = logging.LogRecord("app.x", logging.WARNING, "x.py", 1, message, arguments, error)
    made.fields = fields
    return made


@pytest.mark.parametrize("said", ['a\n{"level": "ERROR"}', '"', "\x00\x1b[31m", "\ud800 half a character", "ä"])
def test_whatever_is_said_is_one_line_of_json(said):
    line = JsonLines().format(record("%s", said, of=said))
    assert "\n" not in line
    read = json.loads(line)
    assert read["message"] == read["of"] == said
    assert (read["level"], read["logger"]) == ("WARNING", "app.x")
    assert read["time"].endswith("+00:00")


def test_a_line_tells_what_is_known_of_the_request_or_job():
    with context.during(request_id="r"):
        context.note(pipeline_id=7, version=2)
        read = json.loads(JsonLines().format(record("said", version=3)))
    # What a line says itself is nearer.
    assert (read["request_id"], read["pipeline_id"], read["version"]) == ("r", 7, 3)
    assert "request_id" not in json.loads(JsonLines().format(record("said")))
    context.note(pipeline_id=7)
    assert context.known() == {}


def test_an_unforeseen_error_is_a_field_of_its_line():
    try:
        raise ValueError("wrong\nin two lines")
    except ValueError:
        line = JsonLines().format(record("failed", error=sys.exc_info()))
    assert "\n" not in line
    assert json.loads(line)["traceback"].endswith("ValueError: wrong\nin two lines")


def test_a_person_reads_the_fields_behind_the_message():
    with context.during(request_id="r"):
        assert TextLines().format(record("said", status=200)).endswith("WARNING said request_id=r status=200")


class Watched:
    """A stream that keeps what each write brought."""

    def __init__(self):
        self.written = []

    def write(self, text):
        self.written.append(text)

    def flush(self):
        pass


@pytest.fixture
def gathered():
    """A logger, and the stream that its lines are written to."""
    stream = Watched()
    logger = logging.Logger("app.x")
    logger.addHandler(Gathering(stream))
    return logger, stream


def lines(stream, count):
    """Wait for so many lines."""
    until = time.monotonic() + 30
    while ((found := "".join(stream.written).splitlines()) and len(found) < count) or not found:
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def test_lines_of_many_threads_are_written_together_and_none_is_lost(gathered):
    logger, stream = gathered
    threads = [
        threading.Thread(target=lambda of=of: [logger.info("%d of %d", n, of) for n in range(200)]) for of in range(4)
    ]
    for thread in threads:
        thread.start()
    found = lines(stream, 800)
    assert sorted(found) == sorted(f"{n} of {of}" for n in range(200) for of in range(4))
    # Of each thread they are in order.
    assert [line for line in found if line.endswith(" 2")] == [f"{n} of 2" for n in range(200)]
    assert len(stream.written) < 400


def test_a_warning_is_written_at_once_and_what_was_before_it_too(gathered):
    logger, stream = gathered
    logger.info("before")
    logger.warning("now")
    assert "".join(stream.written) == "before\nnow\n"


def test_what_is_gathered_is_written_at_the_end(gathered):
    logger, stream = gathered
    logger.info("last")
    logging.shutdown([weakref.ref(logger.handlers[0])])
    assert "".join(stream.written) == "last\n"


def test_lines_that_nobody_reads_any_more_do_no_harm(gathered, monkeypatch):
    logger, stream = gathered

    def broken(text):
        raise BrokenPipeError

    with monkeypatch.context() as patched:
        patched.setattr(stream, "write", broken)
        logger.info("lost")
        time.sleep(0.2)
        logger.error("lost too")
    logger.info("read")
    assert lines(stream, 1) == ["read"]

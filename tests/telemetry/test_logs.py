"""Lines of the log, as a program reads them and as a person does."""

import json
import logging
import sys

import pytest

from app.telemetry import context
from app.telemetry.logs import JsonLines, TextLines


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

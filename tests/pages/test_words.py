"""Numbers, times and names as pages write them."""

import math

import pytest

from app.pages import overview, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (True, "yes"),
        (0, "0"),
        (0.0, "0"),
        (3, "3"),
        (1234567, "1,234,567"),
        (0.977225, "0.9772"),
        (0.5, "0.5"),
        (-12.3456, "-12.35"),
        (99999.5, "100,000"),
        (0.00001234, "1.23e-05"),
        (2.5e12, "2.5e+12"),
        ("text", "text"),
    ],
)
def test_numbers_have_as_many_digits_as_say_something(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (12.345, "12.3 s"),
        (60, "1 min"),
        (3599.6, "1 h"),
        (90, "1 min 30 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_have_the_units_of_people(value, text):
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (999, "999 bytes"), (2_048, "2 kB"), (5.25e6, "5.2 MB"), (3e12, "3,000 GB")]
)
def test_sizes_have_units(value, text):
    assert words.size(value) == text


def test_times_are_there_for_the_browser_and_for_whoever_has_no_scripts():
    assert words.moment(0.0) == '<time datetime="1970-01-01T00:00:00+00:00">1970-01-01 00:00 UTC</time>'
    assert words.moment("2026-01-02T03:04:05+01:00") == (
        '<time datetime="2026-01-02T03:04:05+01:00">2026-01-02 02:04 UTC</time>'
    )
    assert words.moment(None) == "–"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RandomForestClassifier(random_state=0)", "RandomForestClassifier"),
        ("sklearn.linear_model.Ridge", "Ridge"),
        ("portfolio", "portfolio"),
        ("", ""),
    ],
)
def test_a_model_is_called_by_what_it_is(name, kind):
    assert words.kind_of_model(name) == kind


def test_things_are_counted_in_the_plural_but_for_one():
    assert [words.count(number, "model") for number in (0, 1, 2)] == ["0 models", "1 model", "2 models"]
    assert words.count(2, "series", "series") == "2 series"


def test_a_spark_line_stays_in_its_box_and_rises_with_the_score():
    points = overview.spark([0.5, 0.7, 0.6])
    assert all(0 <= x <= 100 and 0 <= y <= 24 for x, y in points)
    assert points[1][1] < points[2][1] < points[0][1]
    assert overview.spark([]) == []
    assert overview.spark([1.0]) == [(3.0, 12.0)]

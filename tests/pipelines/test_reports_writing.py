"""Numbers as pages write them."""

from __future__ import annotations

import pytest

from app.pipelines.reports.plots import ticks, wide
from app.pipelines.reports.writing import amount, cell, cut, signed


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.123456, "0.1235"),
        (-2.5, "−2.5"),
        (1234567.8, "1,234,568"),
        (-12345.6, "−12,346"),
        (1e300, "1e+300"),
        (1.5e-9, "1.5e-09"),
    ],
)
def test_what_was_measured_is_rounded(value, written):
    assert amount(value) == written


@pytest.mark.parametrize(
    ("value", "among", "written"),
    [
        (0.12345, 1, "+0.123"),
        (-0.5, 1, "−0.5"),
        (1e-17, 1, "0"),
        (1e-17, 2e-17, "+1e-17"),
        (0.0, 0, "0"),
        (None, 1, "–"),
    ],
)
def test_what_goes_up_or_down_has_a_sign_unless_it_is_rounding(value, among, written):
    assert signed(value, among) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (2008.0, "2008"),
        (1234567.0, "1234567"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1e+300"),
        (True, "yes"),
        (False, "no"),
        ("2020-01-05T00:00:00", "2020-01-05"),
        ("2020-01-05T10:30:00", "2020-01-05T10:30:00"),
    ],
)
def test_a_value_stands_as_it_does_in_the_data_but_for_what_nobody_reads(value, written):
    assert cell(value) == written


def test_a_long_text_is_cut():
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


@pytest.mark.parametrize("ends", [(-1.7e308, 1.7e308), (5e-324, 5e-324), (0.0, 5e-324), (1.7e308, 1.7e308)])
def test_an_axis_of_any_numbers_can_be_divided(ends):
    low, high = wide(ends)
    assert 0 < high - low < float("inf")
    assert ticks(low, high)

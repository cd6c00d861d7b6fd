"""Dates as people write them: one form a column, and no guess at day and month."""

from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.payloads import dates


def column(*values):
    return pd.Series(list(values), dtype="str")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-02-29", "2020-02-29"),
        ("2020/1/5", "2020-01-05"),
        ("2020.01.05 7:08", "2020-01-05T07:08"),
        ("2020-01-05T07:08:09Z", "2020-01-05T07:08:09"),
        ("2020-01-05 07:08:09.123456789 +0530", "2020-01-05T01:38:09.123456"),
        ("2020-01-05T23:00-08:00", "2020-01-06T07:00"),
        ("2020-01-05 12:00 UTC", "2020-01-05T12:00"),
        ("1949-03", "1949-03-01"),
        ("31.12.2020", "2020-12-31"),
        ("1.2.2020 10:00", "2020-02-01T10:00"),
        ("31 Dec 2020", "2020-12-31"),
        ("1st January, 2020", "2020-01-01"),
        ("31-Dec-2020", "2020-12-31"),
        ("Thu, 31 Dec 2020 23:59:59 GMT", "2020-12-31T23:59:59"),
        ("Dec. 31, 2020", "2020-12-31"),
        ("December 31 2020 11:59 PM", "2020-12-31T23:59"),
        ("31/12/2020 12:30 am", "2020-12-31T00:30"),
        ("12/31/2020 12:30 p.m.", "2020-12-31T12:30"),
        ("  2020-01-05\t", "2020-01-05"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-01"),
    ],
)
def test_a_date_is_read(text, moment):
    values = column(text)
    assert dates.read(values, dates.tell(values)).tolist() == [pd.Timestamp(moment)]


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-29", "2020-13-01", "2020-00-10", "2020-01-00", "2020-01-32", "0000-00-00", "2020-01-01 24:00",
        "2020-01-01 10:60", "2020-01-01 10:00 +99:00", "2020-01-01 13:00 PM", "2020-01-01 0:00 am", "20200101", "2020",
        "1577836800", "4711-01", "01/02/03", "31.12.20", "13/13/2020", "30/02/2020", "32 Jan 2020", "Foo 3 2020",
        "10:00", "P1D",
        "2020-W01-1", "2020-001", "today", "1.2.3", "192.168.1.1", "2020-01-05-03", "", "٢٠٢٠-٠١-٠١", "1" * 1000,
        "2020-01-01 or so", "Maybe 1 2020",
    ],
)  # fmt: skip
def test_what_is_no_date_is_not_read(text):
    values = column(text)
    assert dates.tell(values) is None


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["01/02/2020", "25/12/2020"], "day first"),
        (["01/02/2020", "12/25/2020"], "month first"),
        (["25-12-2020", "1-2-2020"], "day first"),
        (["01/02/2020"], None),
        (["01/02/2020", "12/12/2020"], None),
        (["25/12/2020", "12/25/2020"], None),
        (["25/12/2020"] + ["12/25/2020"] * 50, None),
        (["25/12/2020", "99/99/9999"] + ["01/02/2020"] * 50, "day first"),
    ],
)
def test_day_and_month_are_told_apart_by_the_values_or_not_at_all(values, form):
    assert dates.tell(column(*values)) == form
    assert dates.ambiguous(column(*values)) == (form is None)


def test_a_few_that_are_no_dates_do_not_hide_the_others():
    assert dates.tell(column("soon", *["2020-01-01"] * 19)) == "year first"
    assert dates.tell(column("soon", *["2020-01-01"] * 18)) is None
    assert dates.read(column("soon", "2020-01-01", None), "year first").isna().tolist() == [True, False, True]


def test_no_values_have_no_form():
    assert dates.tell(column()) is None
    assert not dates.ambiguous(column())


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS, ZONES)
def test_iso_8601_is_read_as_python_reads_it(moment, zone):
    aware = moment.replace(tzinfo=zone)
    read = dates.read(column(moment.isoformat(), aware.isoformat()), "year first")
    assert read.tolist() == [pd.Timestamp(moment), pd.Timestamp(aware.astimezone(UTC).replace(tzinfo=None))]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30) | st.from_regex(r"[0-9]{1,4}[-/.][0-9]{1,4}[-/.][0-9]{1,4}.?", fullmatch=True)))
def test_any_text_has_a_form_or_none(values):
    values = column(*[value.encode("utf-8", "ignore").decode() for value in values])
    form = dates.tell(values)
    dates.ambiguous(values)
    if form is not None:
        assert dates.read(values, form).notna().mean() >= dates.SHARE


@pytest.mark.parametrize("form", dates.FORMS)
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(["day", "second", "microsecond"]),
)
@settings(deadline=None, max_examples=30)
def test_what_is_written_in_a_form_is_read_as_the_same(form, moment, precision):
    units = {"day": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}, "second": {"microsecond": 0}}
    moment = moment.replace(**units.get(precision, {}))
    if form == "year and month":
        moment = moment.replace(day=1)
    assert dates.read(column(dates.write(moment, form)), form).iloc[0] == moment

"""Columns that a person may have meant otherwise: said in words, and only where it is so."""

import numpy as np
import pandas as pd
import pytest

from app.payloads.doubts import doubts
from app.payloads.parameters import Task
from app.payloads.training import Tables, assemble

N = 60
DRAW = np.random.default_rng(0)
PLAIN = pd.DataFrame({"x": DRAW.normal(size=N), "town": pd.Series(DRAW.choice(["Oslo", "Bonn"], N), dtype="str")})
LABELS = pd.Series(DRAW.choice(["no", "yes"], N), dtype="str")


@pytest.fixture
def told(train_parameters):
    """Return a function that says what is doubted of a table with more columns."""

    def tell(y=LABELS, task=Task.CLASSIFICATION, columns=None, **more):
        frame = PLAIN.assign(**{name: pd.Series(values) for name, values in more.items()}, y=y)
        return doubts(assemble(Tables(train_parameters(target="y", columns=columns or {}), task, frame, None)))

    return tell


def text(values):
    return pd.Series(values, dtype="str")


def test_of_a_plain_table_nothing_is_doubted(told):
    assert told() == []
    codes = text([f"{number:05}" for number in DRAW.integers(0, 99999, N)])
    assert told(code=codes, year=DRAW.integers(1990, 2020, N), flag=DRAW.random(N) > 0.5) == []


@pytest.mark.parametrize("first", [0, 1, 500])
def test_a_column_that_counts_the_rows_is_told(told, first):
    (sentence,) = told(row=np.arange(first, first + N))
    assert sentence.startswith("row counts the rows.")
    assert told(row=DRAW.permutation(N)) == []


@pytest.mark.parametrize(
    "written",
    [
        [f"${value:,.2f}" for value in DRAW.uniform(1000, 200000, N)],
        [f"{value:.2f}".replace(".", ",") for value in DRAW.uniform(0, 9, N)],
        [f"{value:.1f} kg" for value in DRAW.uniform(10, 99, N)],
        [f"{value:.1f}%" for value in DRAW.uniform(0, 99, N)],
        [f"{value:,}".replace(",", " ") + " €" for value in DRAW.integers(1000, 10**6, N)],
    ],
    ids=["currency", "decimal comma", "unit", "per cent", "grouped"],
)
def test_numbers_with_something_beside_them_are_told(told, written):
    (sentence,) = told(price=text(written))
    assert sentence.startswith("price: read as categories")
    # Said so, they are what was meant.
    assert told(price=text(written), columns={"price": "category"}) == []


def test_dates_that_do_not_tell_day_from_month_are_told(told):
    days = text([f"{1 + row % 12:02}/{1 + row % 11:02}/2021" for row in range(N)])
    (sentence,) = told(day=days)
    assert "2020-12-31" in sentence


@pytest.mark.parametrize("kind", ["category", "number", "boolean"])
def test_a_column_that_is_the_label_in_other_words_is_told(told, kind):
    words = {"category": text(LABELS.map({"no": "A", "yes": "B"})), "number": LABELS.map({"no": 3.5, "yes": 4})}
    words["boolean"] = LABELS == "yes"
    (sentence,) = told(z=words[kind])
    assert sentence == "z alone tells the labels. If it is known only after them, leave it out."


def test_a_column_that_is_the_target_in_another_unit_is_told(told):
    target = pd.Series(DRAW.normal(size=N))
    (sentence,) = told(target, Task.REGRESSION, euros=target * 1.1 + 3)
    assert sentence.startswith("euros alone tells the labels.")
    assert told(target, Task.REGRESSION, near=target + DRAW.normal(0, 0.1, N)) == []

"""Few rows that show the most."""

import numpy as np
import pandas as pd
import pytest

from app.explain import lime, sp_lime
from app.explain.base import Case
from app.explain.found import Contribution, Local, Part
from app.explain.sp_lime import matrix, pick
from app.payloads.parameters import Kind
from tests.explain.functions import asked, opaque, shares


def test_rows_are_picked_as_in_the_paper():
    """Figure 5 of Ribeiro et al.: the second column counts most, and after its row the one that adds a new column."""
    weights = np.array(
        [
            [1.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 1.0],
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0, 0.0],
        ]
    )
    chosen = pick(weights, 3)
    assert chosen[0] == 0
    assert 2 not in chosen
    assert len({int(np.flatnonzero(row).max()) for row in weights[chosen]}) == 3


def by_hand(weights, count):
    """Return what the greedy of algorithm 2 picks: each time the row that covers the most importance more."""
    importance = np.sqrt(np.abs(weights).sum(axis=0))
    chosen = []
    while len(chosen) < min(count, len(weights)):
        covers = [
            importance[np.abs(weights[[*chosen, row]]).sum(axis=0) > 0].sum() if row not in chosen else -1
            for row in range(len(weights))
        ]
        chosen.append(int(np.argmax(covers)))
    return chosen


@pytest.mark.parametrize("seed", range(8))
def test_the_greedy_covers_the_most_importance_at_each_step(seed):
    generator = np.random.default_rng(seed)
    # Whole numbers, so that ties are ties.
    weights = generator.integers(-9, 10, (12, 7)) * (generator.random((12, 7)) < 0.3) * 1.0
    assert pick(weights, 5) == by_hand(weights, 5)


def test_signs_do_not_matter_and_ties_go_to_the_first():
    assert pick(np.array([[1.0, 0.0], [-5.0, 0.0], [0.0, 2.0]]), 2) == [0, 2]
    assert pick(np.zeros((3, 2)), 2) == [0, 1]


def test_no_more_rows_are_picked_than_there_are():
    assert pick(np.eye(3), 10) == [0, 1, 2]


def local(*contributions):
    """Return an explanation of columns, or of words where there are places."""
    return Local([Contribution(Part(*part), value) for *part, value in contributions])


def test_only_the_largest_weights_of_a_row_count():
    parts, weights = matrix([local(("a", 1, 5.0), ("b", 2, -7.0), ("c", 3, 1.0)), local(("c", 9, 2.0))], 2)
    assert parts == [Part("b"), Part("a"), Part("c")]
    assert weights.tolist() == [[-7, 5, 0], [0, 0, 2]]


def test_a_word_is_one_by_what_it_is_in_its_column():
    rows = [
        local(("note", "rude", 0, 4, -1.0), ("title", "rude", 0, 4, 3.0)),
        local(("note", "rude", 9, 13, -2.0)),
    ]
    parts, weights = matrix(rows, 10)
    assert parts == [Part("title", "rude"), Part("note", "rude")]
    assert weights.tolist() == [[3, -1], [0, -2]]


@pytest.fixture
def frame():
    """200 rows of four numbers."""
    return pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(200, 4)), columns=list("abcd"))


def explain(shown, rows, **more):
    """Explain a model by rows."""
    return sp_lime.explain(shown, [Case(rows.iloc[[place]]) for place in range(len(rows))], asked("sp_lime", **more))


def test_columns_are_told_by_how_they_weigh_over_all_rows(frame):
    shown = opaque(lambda rows: 5 * np.abs(rows["b"]) + rows["a"], frame)
    found = explain(shown, frame.head(12), num_samples=1_000, num_explanations=3)
    table = {one["feature"]: one for one in found.details["table"]}
    weights = np.array([[shares(one)[name] for name in frame] for one in each(shown, frame.head(12), 1_000)])
    assert list(table) == sorted(table, key=lambda name: -table[name]["importance"])
    assert next(iter(table)) == "b"
    for place, name in enumerate(frame):
        column = weights[:, place]
        assert table[name]["importance"] == pytest.approx(np.sqrt(np.abs(column).sum()))
        assert table[name]["mean"] == pytest.approx(column.mean())
        assert table[name]["mean_absolute"] == pytest.approx(np.abs(column).mean()) == shares(found)[name]
        assert table[name]["raising"] == (column > 0).sum()
        assert table[name]["lowering"] == (column < 0).sum()
        assert table[name]["rows"] == 12
    assert found.rows == 12
    assert (found.trust["coverage"], found.details["picked"]) == (1, 3)


def each(shown, rows, num_samples):
    """Explain rows by LIME itself."""
    wanted = asked("lime", num_samples=num_samples)
    return [lime.explain(shown, Case(rows.iloc[[place]]), wanted) for place in range(len(rows))]


def test_the_rows_picked_are_shown_with_their_own_explanations(frame):
    shown = opaque(lambda rows: 5 * rows["b"] * (rows["a"] > 0) + 3 * rows["c"] * (rows["a"] <= 0), frame)
    found = explain(shown, frame.head(20), num_samples=500, num_explanations=2, num_features=1)
    alone = each(shown, frame.head(20), 500)
    assert len(found.examples) == 2
    for place, one in found.examples:
        assert one == alone[place]
    tops = [max(shares(one), key=lambda name: abs(shares(one)[name])) for _, one in found.examples]
    assert len(set(tops)) == 2
    fidelities = [one.trust["fidelity"] for one in alone]
    assert found.trust["fidelity"] == pytest.approx(np.mean(fidelities))


def test_what_the_picked_rows_do_not_show_lowers_the_coverage(frame):
    shown = opaque(lambda rows: rows.to_numpy() @ [4, 3, 2, 1], frame)
    found = explain(shown, frame.head(10), num_samples=500, num_explanations=1, num_features=1)
    assert 0 < found.trust["coverage"] <= 1
    many = explain(shown, frame.head(10), num_samples=500, num_explanations=10, num_features=1)
    assert many.trust["coverage"] == 1


def test_texts_are_told_by_their_words():
    texts = ["rude and late", "kind", "late but kind", "rude"]
    X = pd.DataFrame({"note": pd.array(texts, dtype="str")})
    shown = opaque(lambda rows: rows["note"].str.contains("rude") * 1.0, X, note=Kind.TEXT)
    found = explain(shown, X, num_samples=300)
    first = found.details["table"][0]
    assert (first["feature"], first["value"], first["rows"], first["raising"]) == ("note", "rude", 2, 2)
    assert {one.part for one in found.contributions} == {
        Part("note", word) for word in ("rude", "and", "late", "kind", "but")
    }

"""Local linear models that find what is known to be there."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters
from app.explain import lime
from app.explain.base import Case
from app.payloads.parameters import Kind
from tests.explain.functions import Watched, asked, opaque, shares


def explain(model, row, num_samples=2000, output=0, **more):
    """Explain one row of a model."""
    shown = model.subject if isinstance(model, Watched) else model
    return lime.explain(shown, Case(row), asked("lime", output, num_samples=num_samples, **more))


def conditions(local):
    """Return {feature: condition}."""
    return {one.part.feature: one.condition for one in local.contributions}


@pytest.fixture
def frame():
    """200 rows of four numbers between -1 and 1."""
    return pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(200, 4)), columns=list("abcd"))


def test_a_linear_model_gives_the_sign_and_the_order_of_its_weights(frame):
    row = pd.DataFrame([[0.9, 0.9, 0.9, 0.9]], columns=list("abcd"))
    local = explain(Watched(lambda rows: 5 * rows["b"] - 3 * rows["d"] + rows["a"], frame), row)
    found = shares(local)
    assert sorted(found, key=lambda name: -abs(found[name])) == ["b", "d", "a", "c"]
    assert found["b"] > 0 > found["d"]
    assert found["a"] > 0
    assert abs(found["c"]) < abs(found["a"]) / 5
    assert 0.5 < local.trust["fidelity"] <= 1
    assert local.scale == "value"


def test_a_weight_is_what_lying_in_the_same_quartile_changes_on_average(frame):
    """Of a sum of columns it is known: the mean in the row's quartile less that in the others."""
    row = frame.iloc[[5]]
    local = explain(Watched(lambda rows: 5 * rows["b"] - 3 * rows["d"] + rows["a"], frame), row, num_samples=20_000)
    for one in local.contributions:
        name = one.part.feature
        edges = frame[name].quantile([0.25, 0.5, 0.75], interpolation="lower")
        same = edges.searchsorted(frame[name]) == edges.searchsorted(row[name].iloc[0])
        weight = {"a": 1, "b": 5, "c": 0, "d": -3}[name]
        expected = weight * (frame[name][same].mean() - frame[name][~same].mean())
        assert one.value == pytest.approx(expected, abs=4 * one.error + 0.01)


def test_conditions_name_the_quartile_that_the_value_lies_in(frame):
    model = Watched(lambda rows: rows["a"], frame)
    for place in (int(frame["a"].argmax()), int(frame["a"].argmin()), 7):
        told, value = conditions(explain(model, frame.iloc[[place]]))["a"], frame["a"][place]
        if value == frame["a"].max():
            assert told.startswith("a > ")
            assert float(told.split()[-1]) == pytest.approx(frame["a"].quantile(0.75), abs=0.01)
        elif value == frame["a"].min():
            assert told.startswith("a <= ")
            assert float(told.split()[-1]) == pytest.approx(frame["a"].quantile(0.25), abs=0.01)
        else:
            _, _, low, _, _, high = told.split()
            assert float(low) < value <= float(high)


def test_weights_belong_to_their_condition():
    """A row outside of all quartiles but one: lying in it is what the weight is of."""
    X = pd.DataFrame({"a": np.arange(100.0), "b": np.zeros(100)})
    local = explain(Watched(lambda rows: rows["a"] > 74, X), X.iloc[[90]], num_samples=5_000)
    assert conditions(local)["a"] == "a > 74"
    assert shares(local)["a"] == pytest.approx(1, abs=0.01)
    assert local.trust["fidelity"] > 0.99


@pytest.mark.parametrize("place", [0, 1, 2], ids=["2007", "2008", "2009"])
def test_a_column_of_few_values_is_drawn_within_the_data(frame, place):
    """LIME 0.2.0.1 asks for the year 0 here, and gives that column the largest weight."""
    X = frame.assign(year=np.resize([2007.0, 2008.0, 2009.0], 200))
    model = Watched(lambda rows: rows["a"] + (rows["year"] < 1000) * 50, X)
    found = shares(explain(model, X.iloc[[place]]))
    assert model.drawn["year"].between(2007, 2009).all()
    assert abs(found["year"]) < 0.05
    assert max(found, key=lambda name: abs(found[name])) == "a"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.resize([0.0, 1.0], 200), id="two values"),
        pytest.param(np.where(np.arange(200) < 5, 1.0, 0.0), id="nearly all the same"),
        pytest.param(np.where(np.arange(200) < 5, -1e6, 3.0), id="a few far away"),
        pytest.param(np.round(np.random.default_rng(1).exponential(size=200) * 3), id="skewed counts"),
        pytest.param(np.arange(200.0) * 1e9, id="large"),
        pytest.param(np.arange(200.0) * 1e-9, id="small"),
    ],
)
def test_no_row_is_drawn_outside_the_range_of_the_data(frame, values):
    X = frame.assign(a=values)
    for place in (0, 199):
        model = Watched(lambda rows: rows["b"], X)
        local = explain(model, X.iloc[[place]])
        for name in X:
            assert model.drawn[name].between(X[name].min(), X[name].max()).all()
            assert model.drawn[name].isin(X[name]).all() or not (X[name] == X[name].round()).all()
        assert all(np.isfinite([*shares(local).values(), *(one.error for one in local.contributions)]))


def test_columns_that_are_the_same_everywhere_weigh_nothing(frame):
    X = frame.assign(c=7.0, text=pd.array(["same"] * 200, dtype="str"), lost=np.nan)
    model = Watched(lambda rows: rows["a"] + rows["c"], X)
    local = explain(model, X.iloc[[0]])
    assert [shares(local)[name] for name in ("c", "text", "lost")] == pytest.approx([0, 0, 0], abs=1e-12)
    assert (model.drawn["c"] == 7).all()
    assert (model.drawn["text"] == "same").all()
    assert model.drawn["lost"].isna().all()
    assert conditions(local)["lost"] == "lost is missing"


def test_a_value_beyond_a_column_that_is_the_same_everywhere_is_what_it_changes(frame):
    X = frame.assign(c=7.0)
    local = explain(Watched(lambda rows: rows["a"] + rows["c"], X), X.iloc[[0]].assign(c=9.0))
    assert shares(local)["c"] == pytest.approx(2, abs=0.1)
    assert conditions(local)["c"] == "c > 7"


def test_a_background_without_any_variation_explains_nothing_and_says_the_prediction():
    X = pd.DataFrame({"a": [1.0] * 5, "b": [2.0] * 5})
    local = explain(Watched(lambda rows: rows["a"] + rows["b"], X), X.iloc[[0]])
    assert shares(local) == {"a": 0, "b": 0}
    assert local.base_value == local.local_prediction == 3
    assert local.trust == {"fidelity": 1, "standard_error": 0}


def test_text_columns_are_drawn_from_their_categories_and_named(frame):
    X = frame.assign(text=pd.array(np.resize(["red", "blue", "green"], 200), dtype="str"))
    model = Watched(lambda rows: (rows["text"] == "red") * 4.0 + rows["a"] / 10, X)
    red, blue = (explain(model, X.iloc[[place]]) for place in (0, 1))
    assert set(model.drawn["text"].unique()) == {"red", "blue", "green"}
    assert shares(red)["text"] > 1
    assert shares(blue)["text"] < 0
    assert conditions(red)["text"] == "text = red"


def test_a_category_that_the_background_lacks_can_be_explained(frame):
    X = frame.assign(text=pd.array(np.resize(["red", "blue"], 200), dtype="str"))
    row = X.iloc[[0]].assign(text=pd.array(["never seen"], dtype="str"))
    local = explain(Watched(lambda rows: (rows["text"] == "never seen") * 4.0, X), row)
    assert shares(local)["text"] > 1
    assert shares(local)["text"] == pytest.approx(4, abs=0.1)
    assert conditions(local)["text"] == "text = never seen"


def test_a_category_that_hardly_any_row_has_is_seen_often_enough(frame):
    X = frame.assign(text=pd.array(["rare", *["often"] * 199], dtype="str"))
    local = explain(Watched(lambda rows: (rows["text"] == "rare") * 1.0 + rows["a"], X), X.iloc[[0]], 1_000)
    assert shares(local)["text"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("place", [0, 1], ids=["a missing row", "a row with all values"])
def test_missing_values_are_explained(frame, place):
    X = frame.assign(text=pd.array(np.resize([None, "red", "blue"], 200), dtype="str"))
    X.loc[::4, "a"] = np.nan
    model = Watched(lambda rows: rows["text"].isna() * 4.0 + rows["a"].fillna(9), X)
    local = explain(model, X.iloc[[place]])
    assert model.drawn["a"].isna().any()
    assert model.drawn["text"].isna().any()
    assert all(map(np.isfinite, shares(local).values()))
    assert (shares(local)["text"] > 1) == (place == 0)
    assert conditions(local)["text"] == ("text is missing" if place == 0 else "text = red")
    if place == 0:
        assert conditions(local)["a"] == "a is missing"
        assert shares(local)["a"] == pytest.approx(9, abs=0.2)


def test_dates_have_quartiles_and_are_written_as_dates(frame):
    days = pd.Series(pd.date_range("2020-01-01", periods=200), dtype="datetime64[us]")
    X = frame.assign(when=days, at=days + pd.Timedelta("90s"))
    X.loc[3, "when"] = pd.NaT
    model = Watched(lambda rows: (rows["when"] >= "2020-06-01") * 2.0, X)
    local = explain(model, X.iloc[[199]])
    assert conditions(local)["when"] == "when > 2020-05-29"
    assert shares(local)["when"] == pytest.approx(2, abs=0.2)
    assert conditions(local)["at"] == "at > 2020-05-29 00:01:30"
    assert conditions(explain(model, X.iloc[[3]]))["when"] == "when is missing"
    early = X.iloc[[0]].assign(when=pd.Series(["0001-01-02"], dtype="datetime64[us]"))
    assert conditions(explain(model, early))["when"].startswith("when <= 2020-")


def test_a_column_without_one_date_can_be_explained():
    X = pd.DataFrame({"when": pd.Series([None, None], dtype="datetime64[us]"), "a": [0.0, 1.0]})
    row = X.iloc[[0]].assign(when=pd.Series(["2020-01-01"], dtype="datetime64[us]"))
    local = explain(Watched(lambda rows: rows["when"].notna() * 1.0, X), row)
    assert shares(local)["when"] == pytest.approx(1, abs=0.1)


def test_yes_and_no_are_called_so(frame):
    X = frame.assign(member=np.resize([1.0, 0.0], 200))
    model = Watched(lambda rows: rows["member"], X, member=Kind.BOOLEAN)
    assert conditions(explain(model, X.iloc[[0]]))["member"] == "member = True"
    assert conditions(explain(model, X.iloc[[1]]))["member"] == "member = False"
    assert shares(explain(model, X.iloc[[1]]))["member"] == pytest.approx(-1, abs=0.01)


def test_the_row_itself_is_among_those_asked_for(frame):
    model = Watched(lambda rows: rows["a"], frame)
    explain(model, frame.iloc[[3]])
    pd.testing.assert_frame_equal(model.asked[0].iloc[[0]], frame.iloc[[3]].reset_index(drop=True))


def test_the_number_of_samples_is_the_number_of_rows_asked_for(frame):
    model = Watched(lambda rows: rows["a"], frame)
    local = explain(model, frame.iloc[[0]], 123)
    assert len(model.drawn) == local.num_samples == 123
    assert local.background == 200


def test_errors_told_are_the_spread_over_seeds(frame):
    """The model is no sum: what is drawn decides how well a linear one meets it."""
    X = frame.assign(text=pd.array(np.resize(["red", "blue", "green"], 200), dtype="str"))
    model = opaque(lambda rows: 3 * rows["a"] * rows["b"] + (rows["text"] == "red") * rows["c"] + rows["d"] ** 2, X)
    runs = [explain(model, X.iloc[[0]], 1_000, seed=seed) for seed in range(30)]
    spread = np.std([list(shares(run).values()) for run in runs], axis=0, ddof=1)
    told = np.sqrt(np.mean([[one.error**2 for one in run.contributions] for run in runs], axis=0))
    assert (told / spread > 0.7).all()
    assert (told / spread < 1.4).all()


def test_an_error_that_is_small_enough_ends_the_sampling(frame):
    model = Watched(lambda rows: rows["a"] * rows["b"], frame)
    local = explain(model, frame.iloc[[0]], 50_000, max_error=0.02)
    assert local.ended == "max_error"
    assert max(one.error for one in local.contributions) <= 0.02
    assert len(model.drawn) == local.num_samples < 50_000


@pytest.fixture
def notes():
    """Texts, of which two words decide."""
    texts = ["good but late", "rude and late, rude!", "fine", "good good day"]
    return pd.DataFrame({"note": pd.array(texts, dtype="str"), "n": np.arange(4.0)})


def scored(rows):
    """Return how good a note is."""
    return rows["note"].str.count("good") * 0.25 - rows["note"].str.count("rude") * 0.25 + 0.5


def test_words_weigh_what_leaving_them_out_changes(notes):
    model = Watched(scored, notes[["note"]], note=Kind.TEXT)
    local = explain(model, notes[["note"]].iloc[[1]], 2_000)
    found = {one.part.value: one for one in local.contributions}
    assert list(found) == ["rude", "and", "late"]
    assert found["rude"].value == pytest.approx(-0.5, abs=0.02)
    assert found["and"].value == pytest.approx(0, abs=0.01)
    assert (found["rude"].part.start, found["rude"].part.end) == (0, 4)
    assert local.local_prediction == pytest.approx(0, abs=0.02)
    assert local.algorithm == "lime"
    assert local.trust["fidelity"] > 0.99


def test_words_are_explained_where_all_columns_are_texts_or_when_asked_for(notes):
    beside = opaque(lambda rows: scored(rows) + rows["n"], notes, note=Kind.TEXT)
    assert {one.part.feature for one in explain(beside, notes.iloc[[0]]).contributions} == {"note", "n"}
    by_words = explain(beside, notes.iloc[[0]], text="note")
    assert [one.part.value for one in by_words.contributions] == ["good", "but", "late"]
    with pytest.raises(InvalidParameters) as refused:
        explain(beside, notes.iloc[[0]], text="n")
    assert (refused.value.faults[0].pointer, refused.value.faults[0].detail) == (
        "/params/text",
        "columns of text are note",
    )


def test_a_model_without_texts_refuses_to_explain_words(frame):
    with pytest.raises(InvalidParameters) as refused:
        explain(opaque(lambda rows: rows["a"], frame), frame.iloc[[0]], text="a")
    assert refused.value.faults[0].detail == "this model has no column of text; leave it out"


@pytest.mark.parametrize("count", [40, 5_000, 12_345])
@pytest.mark.parametrize("n_others", [7, 2_500, 6_000])
def test_each_value_is_drawn_as_often_as_another_and_what_columns_do_together_is_chance(frame, count, n_others):
    subject = opaque(lambda rows: rows["a"], frame)
    found, other = (lime._evenly(subject, count, n_others, np.random.default_rng(seed)) for seed in (0, 1))
    assert found.shape == (count, 4)
    for column in range(4):
        often = np.bincount(found[:, column], minlength=n_others)
        # The last ones of many come once more, or not.
        assert often.max() - often.min() <= 1 + (count > 5_000)
    bound = 4 / count**0.5
    assert (np.abs(np.corrcoef(found.T)[np.triu_indices(4, 1)]) < bound).all()
    assert abs(np.corrcoef(found[:, 0], other[:, 0])[0, 1]) < bound
    assert (lime._evenly(subject, count, n_others, np.random.default_rng(0)) == found).all()

"""Numbers, times and names as pages write them."""

import math

import pytest

from app.pages import overview, words

#: A pipeline as TPOT's search names it, and one whose texts have brackets.
STACKED = (
    "Pipeline(steps=[('passthrough', Passthrough()), ('selectfwe', SelectFwe(alpha=0.0011101486441)), "
    "('featureunion-1', FeatureUnion(transformer_list=[('featureunion', FeatureUnion(transformer_list=[('nystroem', "
    "Nystroem(gamma=0.7509403602296, kernel='cosine', n_components=1, random_state=0)), ('zerocount', ZeroCount())])), "
    "('passthrough', Passthrough())])), ('featureunion-2', FeatureUnion(transformer_list=[('estimatortransformer', "
    "EstimatorTransformer(cross_val_predict_cv=StratifiedKFold(n_splits=5, random_state=42, shuffle=True), "
    "estimator=LogisticRegression(C=0.5))), ('passthrough', Passthrough())])), "
    "('multinomialnb', MultinomialNB(alpha=0.134663228928, fit_prior=False))])"
)
BOOSTED = (
    "Pipeline(steps=[('words', TfidfVectorizer(token_pattern='([(\\\\w')), "
    "('boost', AdaBoostClassifier(estimator=DecisionTreeClassifier(max_depth=1)))])"
)


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
        (STACKED, "MultinomialNB"),
        (BOOSTED, "AdaBoostClassifier"),
        ("Pipeline(steps=[('a', A()), ('pipeline', Pipeline(steps=[('b', B()), ('c', C(d=D()))]))])", "C"),
        ("Pipeline(steps=[])", "Pipeline(steps=[])"),
        (STACKED[:200], "SelectFwe …"),
    ],
)
def test_a_model_is_called_by_what_it_is(name, kind):
    assert words.kind_of_model(name) == kind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (STACKED, "SelectFwe > Nystroem > ZeroCount > LogisticRegression > MultinomialNB"),
        (BOOSTED, "TfidfVectorizer > AdaBoostClassifier"),
        (STACKED[:200], "SelectFwe …"),
        ("Pipeline(steps=[('passthrough', Passthrough())])", "Pipeline"),
        ("linear 3", "linear 3"),
    ],
)
def test_a_printed_pipeline_is_told_by_its_steps(name, shown):
    assert words.candidate(name) == shown


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        (0.9998, 0.0003023, "0.0003"),
        (0.5, 0.0123456, "0.0123"),
        (123.456, 3.25, "3.2"),
        (0.9, 1e-7, "1e-07"),
        (0.9, 0.0, "0"),
        (0.0, 0.25, "0.25"),
        (None, 0.25, "0.25"),
        (0.9, None, "–"),
        (0.9, math.nan, "–"),
    ],
)
def test_a_spread_has_the_digits_of_its_mean(mean, std, text):
    assert words.spread(std, mean) == text


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/raw_data/island", "column island"),
        ("/labels/a~1b~0c", "column a/b~c"),
        ("/raw_data", "the data"),
        ("/params/model_training/metric", "model_training.metric"),
        ("/query/version", "version"),
        ("", "the request"),
        ("/0/version", "0.version"),
    ],
)
def test_what_a_problem_points_to_has_a_name(pointer, name):
    assert words.pointed(pointer) == name


def test_things_are_counted_in_the_plural_but_for_one():
    assert [words.count(number, "model") for number in (0, 1, 2)] == ["0 models", "1 model", "2 models"]
    assert words.count(2, "series", "series") == "2 series"


def test_a_spark_line_stays_in_its_box_and_rises_with_the_score():
    points = overview.spark([0.5, 0.7, 0.6])
    assert all(0 <= x <= 100 and 0 <= y <= 24 for x, y in points)
    assert points[1][1] < points[2][1] < points[0][1]
    assert overview.spark([]) == []
    assert overview.spark([1.0]) == [(3.0, 12.0)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yes", "yes"),
        ("yes ", "yes␣"),
        ("  yes", "␣␣yes"),
        ("old age", "old age"),
        ("old  age", "old␣␣age"),
        ("old\tage\n", "old⇥age↵"),
        ("old\xa0age", "old⍽age"),
        ("old\u2003age", "old␣age"),
        ("", "“”"),
        (" ", "␣"),
        (3, "3"),
        ("<b> ", "<b>␣"),
    ],
)
def test_names_that_differ_by_blanks_look_different(name, text):
    assert words.visible(name) == text


def test_what_a_template_has_not_is_written_as_nothing(client):
    environment = client.application.jinja_env
    for name in ("number", "percent", "seconds", "size", "moment", "spread(none)"):
        assert environment.from_string(f"{{{{ nothing.there | {name} }}}}").render(nothing={}) == words.NOTHING

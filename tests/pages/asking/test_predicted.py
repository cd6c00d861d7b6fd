"""What is shown of predictions, and of what an edit changes."""

from types import SimpleNamespace

from app.pages import points
from app.pages.asking import predicted, signals
from tests import kinds
from tests.pages.asking.test_fields import signature_of

CLASSES = SimpleNamespace(task="classification", result={"classes": ["a", "b"]})
NUMBERS = SimpleNamespace(task="regression", result={})
NAN = float("nan")


def found(*shares):
    return {
        "id": [*range(len(shares))],
        "prediction": ["a" if share >= 0.5 else "b" for share in shares],
        "score_a": list(shares),
        "score_b": [1 - share for share in shares],
    }


def test_of_one_row_the_likeliest_class_comes_first():
    shown = predicted.one(found(0.25))
    assert [bar["name"] for bar in shown["bars"]] == ["b", "a"]
    assert shown["prediction"] == "b"


def test_a_row_without_an_answer_has_none():
    shown = predicted.one({"id": [0], "prediction": [None], "score_a": [NAN], "score_b": [NAN]})
    assert (shown["prediction"], [bar["share"] for bar in shown["bars"]]) == (None, [0.0, 0.0])


def test_of_many_rows_the_first_are_shown_and_all_are_counted():
    shown = predicted.many(found(*[0.9] * 60, *[0.1] * 20), CLASSES)
    assert (len(shown["rows"]), shown["total"]) == (predicted.ROWS, 80)
    assert [(bar["name"], bar["count"]) for bar in shown["summary"]["bars"]] == [("a", 60), ("b", 20)]
    numbers = predicted.many({"id": [0, 1, 2], "prediction": [1.0, 3.0, NAN]}, NUMBERS)
    assert numbers["summary"]["text"] == "From 1 to 3, 2 on average."


def test_what_an_edit_changes_is_told_for_each_class_or_for_the_number():
    changes = predicted.differences(predicted.one(found(0.75)), predicted.one(found(0.25)))
    assert [(one["name"], one["change"]) for one in changes] == [("a", -0.5), ("b", 0.5)]
    old, new = ({"id": [0], "prediction": [value]} for value in (2.0, 5.5))
    assert predicted.differences(predicted.one(old), predicted.one(new))[0]["change"] == 3.5


def test_of_a_forecast_each_step_has_its_change():
    old, new = ({"id": ["s", "s"], "step": [1, 2], "prediction": [1.0, last]} for last in (2.0, 5.0))
    assert [(one["name"], one["change"]) for one in predicted.steps(old, new)] == [("step 1", 0.0), ("step 2", 3.0)]


def test_a_signal_whose_name_would_be_code_is_text_in_a_plot():
    code = "<img src=x onerror=alert(1)>"
    frame = kinds.waves()[0].rename(columns={"height": code})
    series = {"column_id": "wave", "column_sort": "when"}
    signature = signature_of(frame, None, task="classification", extract_features=series)
    drawn = signals.drawn(frame, signature)
    assert [one["name"] for one in drawn] == ["w0", "w1", "w2", "w3"]
    assert [line["name"] for line in drawn[0]["figure"]["data"]] == ["&lt;img src=x onerror=alert(1)&gt;", "wind"]
    assert all(len(line["x"]) == len(line["y"]) <= points.LINE for line in drawn[0]["figure"]["data"])

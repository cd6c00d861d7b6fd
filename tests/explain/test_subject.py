"""Loaded pipelines as explainers see them."""

import pytest

from app.explain import subject
from app.payloads.parameters import Kind, Task


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("numbers", dict.fromkeys(["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"], Kind.NUMBER)),
        (
            "customers",
            {
                "age": Kind.NUMBER,
                "since": Kind.DATE,
                "city": Kind.CATEGORY,
                "plan": Kind.CATEGORY,
                "member": Kind.BOOLEAN,
                "note": Kind.TEXT,
            },
        ),
        ("texts", {"note": Kind.TEXT}),
        ("images", {"image": Kind.IMAGE}),
        ("whole series", {"height": Kind.SIGNAL, "wind": Kind.SIGNAL}),
    ],
)
def test_columns_have_their_kinds(trained, name, kinds):
    assert trained(name).subject.kinds == kinds


def test_computed_features_are_numbers_and_named_as_computed(trained):
    model = trained("series")
    seen = model.subject
    assert set(seen.kinds.values()) == {Kind.NUMBER}
    assert seen.computed == model.pipeline.columns
    assert seen.of_series
    assert not trained("numbers").subject.of_series
    assert trained("numbers").subject.computed == ()


def test_a_model_of_whole_series_has_none_that_are_computed(trained):
    seen = trained("whole series").subject
    assert seen.of_series
    assert seen.computed == ()


@pytest.mark.parametrize("name", ["images", "network of images"])
def test_images_are_seen_at_the_size_of_the_training(trained, name):
    assert trained(name).subject.images == (12, 12, 1)


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("network of numbers", "table"),
        ("network of texts", "text"),
        ("network of images", "image"),
        ("whole series", "series"),
        ("three classes", None),
        ("images", None),
    ],
)
def test_a_network_is_known_by_what_it_reads(trained, name, reads):
    network = trained(name).subject.network
    assert (None if network is None else network.reads) == reads


def test_numbers_are_answered_in_one_column_and_classes_in_one_each(trained):
    for name, width in (("numbers", 1), ("three classes", 3), ("customers", 2), ("forecast", 1)):
        seen = trained(name).subject
        assert seen.predict(seen.background.head(4)).shape == (4, width)
        assert seen.scale == ("probability" if seen.classes else "value")
        assert seen.task is trained(name).pipeline.task


def test_of_two_classes_the_positive_one_is_explained_and_of_more_none(trained):
    for name, expected in (("customers", 1), ("three classes", None), ("numbers", 0)):
        model = trained(name)
        assert subject.positive(model.subject, model.pipeline) == expected
    assert trained("forecast").subject.task is Task.FORECASTING


def test_the_subject_of_a_pipeline_is_made_once(trained):
    pipeline = trained("linear").pipeline
    assert subject.of(pipeline) is subject.of(pipeline)


def test_rows_have_their_own_series(trained):
    model = trained("series")
    rows = model.pipeline.rows(model.sent).iloc[[3, 1]]
    found = subject.cases(model.pipeline, model.sent, rows)
    for case, identity in zip(found, [model.ids[3], model.ids[1]], strict=True):
        here = model.sent[model.sent["wave"] == identity]
        assert case.row.index[0] == identity
        assert case.signals.values["height"].tolist() == pytest.approx(here["height"].tolist())
    plain = trained("numbers")
    (case, *_) = subject.cases(plain.pipeline, plain.sent, plain.pipeline.rows(plain.sent))
    assert case.signals is None

"""Versions of libraries that a stored pipeline needs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.errors import NeedsRetraining
from app.pipelines import run
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.store.record import Version

#: {library: a model that is made of it}; scikit-learn prepares the rows of each.
MODELS = {
    "scikit-learn": "sklearn.tree.DecisionTreeClassifier",
    "numpy": "sklearn.tree.DecisionTreeClassifier",
    "xgboost": "xgboost.XGBClassifier",
    "lightgbm": "lightgbm.LGBMClassifier",
    "tsfresh": "sklearn.tree.DecisionTreeClassifier",
}


@pytest.fixture
def artifact(train, store):
    """Return a function that trains a small model, of series where it is to need tsfresh, and gives its artefact."""

    def make(library):
        row = np.arange(120)
        frame = pd.DataFrame({"id": row // 3, "a": (row // 3 % 2) + np.sin(row) / 9})
        labels = pd.DataFrame({"id": range(40), "label": ["no", "yes"] * 20})
        named = {"model": MODELS[library], "model_args": {}}
        if library == "tsfresh":
            named["extract_features"] = {"column_id": "id", "default_fc_parameters": {"mean": None}}
        else:
            frame, named["id_column"] = frame[::3].reset_index(drop=True), "id"
        if "boost" in library or "gbm" in library:
            named["model_args"] = {"n_estimators": 3}
        train(frame, labels, **named)
        return store.artifact("p", 1)

    return make


@pytest.mark.parametrize("library", MODELS)
def test_another_minor_version_of_a_library_needs_retraining(artifact, library):
    stored, installed = artifact(library), installed_versions()
    major, minor, *_ = installed[library].split(".")
    assert TrainedPipeline.from_artifact(stored, installed | {library: f"{major}.{minor}.99"}).classes == ("no", "yes")
    changed, named = installed | {library: f"{major}.{int(minor) + 1}.0"}, f"Model p .* {library}\\. "
    with pytest.raises(NeedsRetraining, match=named):
        TrainedPipeline.from_artifact(uncompiled(stored), changed)
    if library == "tsfresh":
        # Its features may be computed by it.
        with pytest.raises(NeedsRetraining, match=named):
            TrainedPipeline.from_artifact(stored, changed)
        return
    # What is compiled predicts without the library; what needs the original says so.
    compiled = TrainedPipeline.from_artifact(stored, changed)
    assert compiled.compiled is not None
    with pytest.raises(NeedsRetraining, match=named):
        compiled.fitted  # noqa: B018  is read here


def uncompiled(stored):
    """Return an artefact without its compiled form, as those from before there was one."""
    return replace(stored, parts={name: data for name, data in stored.parts.items() if name != "compiled"})


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "tpot", "tsfresh"])
def test_a_library_that_a_pipeline_is_not_made_of_may_change_or_be_gone(artifact, library):
    stored, installed = artifact("scikit-learn"), installed_versions()
    others = {name: version for name, version in installed.items() if name != library}
    for there in (installed | {library: "99.0"}, others):
        assert TrainedPipeline.from_artifact(stored, there).classes == ("no", "yes")


def test_a_version_trained_with_other_libraries_is_not_loaded_and_one_before_it_is(artifact, store, publications):
    stored = uncompiled(artifact("scikit-learn"))
    older = stored.manifest | {"libraries": stored.manifest["libraries"] | {"scikit-learn": "0.24.2"}}
    publications.publish(Version(replace(store.record("p"), job_id="older"), replace(stored, manifest=older), {}))
    with pytest.raises(NeedsRetraining, match="scikit-learn"):
        run.load(store, PipelineCache(2**20), "p", None)
    assert run.load(store, PipelineCache(2**20), "p", 1)[1] == 1

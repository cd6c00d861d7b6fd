"""What `faithful.py` compares: explanations by words, regions of images and stretches of series, and by gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml

from app.explain import grad_cam, gradients, lime, segments, shap
from app.explain import subject as subjects
from app.explain.base import Case, Masked, Subject
from app.explain.parts.segments import Segments
from app.explain.parts.superpixels import Superpixels, png
from app.explain.parts.words import Words
from app.payloads import frames
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload
from app.pipelines import intake, run
from app.pipelines.portfolio.ensemble import EnsembleClassifier
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.settings import Settings
from app.store.record import Record, Version
from benchmarks.explained import ROWS, SAMPLES, Comparison, Side, asked, assembled, cancer, seen, subject_of, values
from tests import kinds
from tests.explain import deletion
from tests.explain.trained import DATA, NoRows, upload

#: Seconds that a training may take, and what images and series are asked for.
SECONDS, OF_IMAGES, OF_SERIES = 300, 500, 500


class _Kept:
    """The one version that a training publishes."""

    def __init__(self) -> None:
        self.version: Version | None = None

    def publish(self, version: Version) -> Record:
        """Keep it here."""
        self.version = version
        return version.record

    def published_by(self, _: str) -> None:
        """Nothing has been before."""


def served(raw: Any, labels: pd.DataFrame | None, sent: Any, **parameters: Any) -> tuple[TrainedPipeline, pd.DataFrame]:
    """Train a pipeline as a worker does, and return it as it is loaded, with what is sent to it as it is read."""
    settings, kept = Settings(), _Kept()
    uploads = {
        "raw_data": upload(raw),
        "params": Upload("params", yaml.safe_dump({"pipeline_id": "p", **parameters}).encode()),
    }
    if labels is not None:
        uploads["labels"] = upload(labels, "labels")
    run.train(intake.read(uploads, settings), "job", SECONDS, kept, lambda *_, **__: None, NoRows())  # type: ignore[arg-type]
    assert kept.version is not None
    pipeline = TrainedPipeline.from_artifact(kept.version.artifact, installed_versions())
    known = pipeline.signature
    return pipeline, frames.read(upload(sent), settings, known.text_columns, known.id_column)


def over_masks(masked: Sequence[Masked], outputs: Sequence[int], asked_for: int) -> Side:
    """Return stock SHAP over the parts of rows, which a person would write a function of masks for."""
    import shap as library

    def explain(number: int, seed: int) -> Any:
        n_parts = len(masked[number].parts)
        # It draws from NumPy's own generator.
        np.random.seed(seed)
        explainer = library.KernelExplainer(
            lambda masks: masked[number].answers(np.asarray(masks) > 0)[:, outputs[number]],
            np.zeros((1, n_parts)),
            silent=True,
        )
        return explainer.shap_values(np.ones(n_parts), nsamples=asked_for, silent=True)

    return Side("KernelExplainer", explain)


def documented() -> tuple[pd.DataFrame, Any]:
    """Return what NumPy's functions say of themselves, and pandas's: 100 words each."""
    texts, labels = [], []
    for label, owners in enumerate(((np, np.linalg, np.fft), (pd, pd.DataFrame))):
        said = {
            " ".join(value.__doc__.split()[:100])
            for owner in owners
            for name, value in vars(owner).items()
            if not name.startswith("_") and isinstance(value.__doc__, str) and len(value.__doc__.split()) >= 100
        }
        texts += sorted(said)
        labels += [label] * len(said)
    return pd.DataFrame({"said": pd.array(texts, dtype="str")}), np.array(labels)


def text() -> Iterator[Comparison]:
    """LIME of texts: a linear model, a forest, a mix of both, and a network."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    X, y = documented()
    # Of texts that training had each pair of words would be one that it has counted.
    new = X.sample(ROWS, random_state=0)
    X, y = X.drop(index=new.index), np.delete(y, new.index)
    kinds = {"said": Kind.TEXT}
    linear, forest = LogisticRegression(), RandomForestClassifier(100, random_state=0)
    yield _of_texts("LIME, 100 words, linear model", subject_of(X, y, linear, kinds, scaled=True), new, least=30)
    yield _of_texts("LIME, 100 words, forest", subject_of(X, y, forest, kinds, scaled=False), new, least=8)
    shares = [("linear", assembled(linear, kinds, True), 0.5), ("forest", assembled(forest, kinds, False), 0.5)]
    mix = Pipeline([("model", EnsembleClassifier(shares))])
    yield _of_texts("LIME, 100 words, mix of both", seen(mix, X, y, kinds), new, least=8)
    pipeline, _ = served(
        X.assign(owner=np.where(y, "pandas", "numpy")),
        None,
        new,
        target="owner",
        columns={"said": "text"},
        model_training={"model": "autokeras.TextClassifier", "model_args": {"max_trials": 1, "epochs": 10}},
        explain={"rows": 0},
    )
    yield _of_texts("LIME, 100 words, network", subjects.of(pipeline), new, least=8)


def _of_texts(title: str, subject: Subject, rows: pd.DataFrame, least: float | None = None) -> Comparison:
    from lime.lime_text import LimeTextExplainer

    parts = [Words.of(subject, rows.iloc[[number]], ["said"]) for number in range(ROWS)]

    def probabilities(texts: Sequence[str]) -> Any:
        return subject.predict(pd.DataFrame({"said": pd.array(list(texts), dtype="str")}))

    def stock(number: int, seed: int) -> Any:
        written = rows["said"].iloc[number]
        explainer = LimeTextExplainer(class_names=["0", "1"], random_state=seed)
        found = explainer.explain_instance(written, probabilities, num_features=500, num_samples=SAMPLES)
        by_word = {found.domain_mapper.indexed_string.word(place): weight for place, weight in found.as_map()[1]}
        return np.array([by_word.get(part.value, 0.0) for part in parts[number].parts])

    def ours(number: int, seed: int) -> Any:
        wanted = asked("lime", seed, 1, num_samples=SAMPLES)
        return values(lime.explain(subject, Case(rows.iloc[[number]]), wanted))

    def answers(number: int) -> Any:
        return deletion.of_parts(parts[number], 1)

    def alone(number: int) -> Any:
        generator = np.random.default_rng(0)
        masks = generator.random((SAMPLES, len(parts[number].parts))) < generator.random((SAMPLES, 1))
        return parts[number].answers(masks)

    bound = None if subject.members else alone
    return Comparison(title, Side("ours", ours), Side("LIME", stock), answers, least, alone=bound)


def images() -> Iterator[Comparison]:
    """A convolutional network of digits: by regions, and where it looks."""
    from lime.lime_image import LimeImageExplainer
    from sklearn.datasets import load_digits

    digits, numbers = load_digits(return_X_y=True)
    # Each pixel as nine: regions are of pixels that are alike.
    pictures = np.kron(digits[:1_000].reshape(-1, 8, 8) * 15, np.ones((1, 3, 3))).astype("uint8")
    held_out = np.arange(len(pictures)) % 13 == 5
    names = kinds.names(pictures[~held_out])
    pipeline, frame = served(
        kinds.zipped(pictures[~held_out]),
        pd.DataFrame({"file": names, "label": [f"digit {number}" for number in numbers[:1_000][~held_out]]}),
        kinds.zipped(pictures[held_out]),
        model_training={"model": "autokeras.ImageClassifier", "model_args": {"max_trials": 1, "epochs": 10}},
        images={"height": 24, "width": 24, "channels": 1},
        explain={"rows": 0},
    )
    subject, rows = subjects.of(pipeline), pipeline.rows(frame).iloc[:ROWS]
    cut = [Superpixels.of(subject, rows.iloc[[number]]) for number in range(ROWS)]
    # Of each the class that it is taken for.
    outputs = subject.predict(rows).argmax(axis=1).tolist()

    def probabilities(shown: Any) -> Any:
        # LIME makes three channels of one.
        cells = [png(np.asarray(one, dtype="uint8")[:, :, :1]) for one in shown]
        return subject.predict(pd.DataFrame({subject.columns[0]: pd.Series(cells, dtype="object")}))

    def stock(number: int, seed: int) -> Any:
        found = LimeImageExplainer(random_state=seed).explain_instance(
            cut[number].pixels[:, :, 0],
            probabilities,
            labels=(outputs[number],),
            top_labels=None,
            num_samples=OF_IMAGES,
            segmentation_fn=lambda _: cut[number].regions,
        )
        by_region = dict(found.local_exp[outputs[number]])
        return np.array([by_region[region] for region in range(len(cut[number].parts))])

    def ours(method: str) -> Callable[[int, int], Any]:
        explain = {"lime": lime.explain, "shap": shap.explain}[method]

        def explained(number: int, seed: int) -> Any:
            wanted = asked(method, seed, outputs[number], num_samples=OF_IMAGES)
            return values(explain(subject, Case(rows.iloc[[number]]), wanted))

        return explained

    def looked(number: int, seed: int) -> Any:
        found = grad_cam.explain(subject, Case(rows.iloc[[number]]), asked("grad_cam", seed, outputs[number]))
        regions, seen = cut[number].regions.ravel(), np.ravel(found.details["map"])
        return np.bincount(regions, seen) / np.bincount(regions)

    def answers(number: int) -> Any:
        return deletion.of_parts(cut[number], outputs[number])

    lime_of_images = Side("LIME", stock)
    yield Comparison("LIME, regions of images", Side("ours", ours("lime")), lime_of_images, answers)
    kernel = over_masks(cut, outputs, OF_IMAGES)
    yield Comparison("SHAP, regions of images", Side("ours", ours("shap")), kernel, answers)
    yield Comparison("Grad-CAM beside LIME, regions of images", Side("ours", looked), lime_of_images, answers)


def series() -> Iterator[Comparison]:
    """Stretches of the signal of a smartwatch, of which tsfresh computes features for a forest."""
    raw, labels = pd.read_json(DATA / "data_train.json"), pd.read_json(DATA / "label_train.json")
    pipeline, frame = served(
        raw,
        labels,
        pd.read_json(DATA / "data_test.json"),
        model_training={"model": "sklearn.ensemble.RandomForestClassifier"},
        extract_features={"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"},
        explain={"rows": 0},
    )
    subject = subjects.of(pipeline)
    cases = subjects.cases(pipeline, frame, pipeline.rows(frame).iloc[:ROWS])
    cut = []
    for case in cases:
        assert case.signals is not None
        cut.append(Segments.of(subject, case.signals, 20, "line"))

    def ours(algorithm: str) -> Callable[[int, int], Any]:
        def explained(number: int, seed: int) -> Any:
            wanted = asked("segments", seed, 1, algorithm=algorithm, num_samples=OF_SERIES)
            return values(segments.explain(subject, cases[number], wanted))

        return explained

    def answers(number: int) -> Any:
        return deletion.of_parts(cut[number], 1)

    kernel = over_masks(cut, [1] * ROWS, OF_SERIES)
    for algorithm in ("lime", "shap"):
        title = f"{algorithm.upper()}, 20 stretches of a series"
        yield Comparison(title, Side("ours", ours(algorithm)), kernel, answers)


def slopes() -> Iterator[Comparison]:
    """Expected gradients of a network of 30 columns."""
    import shap as library
    import torch

    X, y, _ = cancer()
    rows = X.sample(ROWS, random_state=0)
    pipeline, frame = served(
        X.assign(kind=y.to_numpy()),
        None,
        rows,
        target="kind",
        model_training={"model": "autokeras.StructuredDataClassifier", "model_args": {"max_trials": 1, "epochs": 20}},
        explain={"rows": 0},
    )
    subject, shown = subjects.of(pipeline), pipeline.rows(frame)
    network = subject.network
    assert network is not None
    live = network.copy()

    class Module(torch.nn.Module):
        """The same network as SHAP takes it."""

        def forward(self, numbers: Any) -> Any:
            """Answer."""
            return live(numbers, training=False)

    explainer = library.GradientExplainer(Module(), torch.tensor(network.inputs(subject.background)))
    origins = np.array(subject.columns if subject.final is None else subject.final.origins)

    def stock(number: int, seed: int) -> Any:
        point = torch.tensor(network.inputs(shown.iloc[[number]]))
        found = explainer.shap_values(point, nsamples=500, rseed=seed)[0]
        by_input = found[:, -1] if found.ndim == 2 else found
        return np.array([by_input[origins == name].sum() for name in subject.columns])

    def ours(number: int, seed: int) -> Any:
        wanted = asked("gradients", seed, 1, num_samples=500)
        return values(gradients.explain(subject, Case(shown.iloc[[number]]), wanted))

    def answers(number: int) -> Any:
        return deletion.of_columns(subject, shown.iloc[[number]], 1)

    title = "Gradients, network of 30 columns"
    yield Comparison(title, Side("ours", ours), Side("GradientExplainer", stock), answers)

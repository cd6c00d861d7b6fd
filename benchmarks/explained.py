"""What `faithful.py` compares: explanations by columns, of this service and of LIME and SHAP as people install them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from app.explain import lime, shap
from app.explain.base import Asked, Case, Subject
from app.explain.structure import final_step, members
from app.payloads.explaining import check_explaining
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import preprocess
from tests.explain import deletion

#: Rows that are explained; more, of columns that explain in a few milliseconds, for what is compared between seeds.
ROWS, MANY = 20, 100

#: Seeds whose explanations are compared.
SEEDS = range(5)

#: Rows that LIME draws, and that SHAP may ask for.
SAMPLES, ASKED = 5_000, 20_000

#: Background rows that SHAP compares with.
BACKGROUND = 50

#: From the number of a row and a seed to contributions.
Explain = Callable[[int, int], Any]


@dataclass(frozen=True)
class Side:
    """One of two that are compared.

    Attributes
    ----------
    explain
        From the number of a row and a seed to contributions, shape (n_parts,), in the same order on both sides.
    """

    name: str
    explain: Explain


@dataclass(frozen=True)
class Comparison:
    """Two sides on the same rows.

    Attributes
    ----------
    answers
        From the number of a row to what answers for masks of its parts; None where that is not measured.
    least
        How many times as fast ours must be; None where nothing is required.
    compared
        Rows whose largest contributions are compared between seeds.
    alone
        Asks the model for as many different rows as the explanation of one, and does nothing else; None where that is
        not measured.
    """

    title: str
    ours: Side
    stock: Side
    answers: Callable[[int], Any]
    least: float | None = None
    compared: int = 10
    alone: Callable[[int], Any] | None = None


def assembled(model: Any, kinds: dict[str, Kind], scaled: bool) -> Any:
    """Return an unfitted pipeline as the service makes it."""
    problem = SimpleNamespace(kinds=kinds, parameters=TrainParameters(pipeline_id="p"), select=False, seed=0)
    return preprocess.assemble(problem, model, scaled)  # type: ignore[arg-type]


def subject_of(X: pd.DataFrame, y: Any, model: Any, kinds: dict[str, Kind], scaled: bool) -> Subject:
    """Fit a pipeline as the service makes it, and return it as explainers see it."""
    return seen(assembled(model, kinds, scaled), X, y, kinds)


def seen(pipeline: Any, X: pd.DataFrame, y: Any, kinds: dict[str, Kind]) -> Subject:
    """Fit a pipeline, and return it as explainers see it."""
    fitted = pipeline.fit(X, y)
    served = fitted.predict_proba if hasattr(fitted, "predict_proba") else fitted.predict

    def predict(rows: pd.DataFrame) -> Any:
        return np.asarray(served(rows), dtype="float64").reshape(len(rows), -1)

    classes = (0, 1) if hasattr(fitted, "predict_proba") else ()
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    background = X.sample(min(len(X), 500), random_state=0)
    each = members(fitted)
    return Subject(task, classes, kinds, predict, background, each, final_step(each, background))


def asked(method: str, seed: int, output: int, **parameters: Any) -> Asked:
    """Ask as a request does."""
    return Asked.of(check_explaining({"pipeline_id": "p", "method": method, "seed": seed, **parameters}), output)


def values(found: Any) -> Any:
    """Return the contributions in the order of the parts."""
    return np.array([one.value for one in found.contributions])


def cancer() -> tuple[pd.DataFrame, Any, dict[str, Kind]]:
    """Return 30 numbers of 569 tumours."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X, y, dict.fromkeys(X, Kind.NUMBER)


def table() -> Iterator[Comparison]:
    """LIME of a forest of 100 trees on 30 columns."""
    from lime.lime_tabular import LimeTabularExplainer
    from sklearn.ensemble import RandomForestClassifier

    X, y, kinds = cancer()
    subject = subject_of(X, y, RandomForestClassifier(100, random_state=0), kinds, scaled=False)
    rows = X.sample(MANY, random_state=0)
    made = {
        seed: LimeTabularExplainer(X.to_numpy(), feature_names=list(X), class_names=["0", "1"], random_state=seed)
        for seed in SEEDS
    }

    def probabilities(numbers: Any) -> Any:
        return subject.predict(pd.DataFrame(numbers, columns=list(X)))

    def stock(number: int, seed: int) -> Any:
        found = made[seed].explain_instance(
            rows.iloc[number].to_numpy(), probabilities, num_features=X.shape[1], num_samples=SAMPLES
        )
        by_place = dict(found.as_map()[1])
        return np.array([by_place[place] for place in range(X.shape[1])])

    def ours(number: int, seed: int) -> Any:
        wanted = asked("lime", seed, 1, num_samples=SAMPLES)
        return values(lime.explain(subject, Case(rows.iloc[[number]]), wanted))

    def answers(number: int) -> Any:
        return deletion.of_columns(subject, rows.iloc[[number]], 1)

    yield Comparison("LIME, forest of 100 trees", Side("ours", ours), Side("LIME", stock), answers, 3, MANY)


def numbers() -> Iterator[Comparison]:
    """LIME of a number, which a forest of 100 trees predicts of 10 columns."""
    from lime.lime_tabular import LimeTabularExplainer
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import RandomForestRegressor

    X, y = load_diabetes(return_X_y=True, as_frame=True)
    subject = subject_of(X, y, RandomForestRegressor(100, random_state=0), dict.fromkeys(X, Kind.NUMBER), scaled=False)
    rows = X.sample(MANY, random_state=0)
    made = {
        seed: LimeTabularExplainer(X.to_numpy(), feature_names=list(X), mode="regression", random_state=seed)
        for seed in SEEDS
    }

    def values_of(numbers: Any) -> Any:
        return subject.predict(pd.DataFrame(numbers, columns=list(X)))[:, 0]

    def stock(number: int, seed: int) -> Any:
        found = made[seed].explain_instance(
            rows.iloc[number].to_numpy(), values_of, num_features=X.shape[1], num_samples=SAMPLES
        )
        by_place = dict(found.as_map()[1])
        return np.array([by_place[place] for place in range(X.shape[1])])

    def ours(number: int, seed: int) -> Any:
        return values(lime.explain(subject, Case(rows.iloc[[number]]), asked("lime", seed, 0, num_samples=SAMPLES)))

    def answers(number: int) -> Any:
        return deletion.of_columns(subject, rows.iloc[[number]], 0)

    yield Comparison(
        "LIME, a number, forest of 100 trees", Side("ours", ours), Side("LIME", stock), answers, compared=MANY
    )


def trees() -> Iterator[Comparison]:
    """SHAP of the trees of a forest: a reader that is kept, and one that is made for each request."""
    import shap as library
    from sklearn.ensemble import RandomForestClassifier

    X, y, kinds = cancer()
    subject = subject_of(X, y, RandomForestClassifier(100, random_state=0), kinds, scaled=False)
    rows = X.sample(ROWS, random_state=0)
    final = subject.final
    assert final is not None

    def stock(number: int, seed: int) -> Any:
        explainer = library.TreeExplainer(final.model)
        return explainer.shap_values(final.transform(rows.iloc[[number]]))[0, :, 1]

    def ours(number: int, seed: int) -> Any:
        return values(shap.explain(subject, Case(rows.iloc[[number]]), asked("shap", seed, 1)))

    def answers(number: int) -> Any:
        return deletion.of_columns(subject, rows.iloc[[number]], 1)

    title = "SHAP, trees of the forest"
    yield Comparison(title, Side("ours", ours), Side("TreeExplainer made each time", stock), answers, least=1)


def sampled() -> Iterator[Comparison]:
    """SHAP of two models that are asked for rows, as many by each side."""
    import shap as library
    from sklearn.datasets import load_diabetes
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVR

    X, y = load_diabetes(return_X_y=True, as_frame=True)
    wide, labels, kinds = cancer()
    network = MLPClassifier((30,), max_iter=1_000, random_state=0)
    for title, seen, output in (
        ("support vectors, 10 columns", subject_of(X, y, SVR(C=100), dict.fromkeys(X, Kind.NUMBER), scaled=True), 0),
        ("network, 30 columns", subject_of(wide, labels, network, kinds, scaled=True), 1),
    ):
        yield from _sampled(library, title, seen, output)


def _sampled(library: Any, title: str, subject: Subject, output: int) -> Iterator[Comparison]:
    columns = subject.columns
    rows = subject.background.sample(ROWS, random_state=0)
    compared = subject.background.sample(BACKGROUND, random_state=0).to_numpy()

    def probability(numbers: Any) -> Any:
        return subject.predict(pd.DataFrame(numbers, columns=columns))[:, output]

    def permutation(number: int, seed: int) -> Any:
        explainer = library.PermutationExplainer(probability, library.maskers.Independent(compared), seed=seed)
        found = explainer(rows.iloc[[number]].to_numpy(), max_evals=ASKED // BACKGROUND, silent=True)
        return found.values[0]

    def kernel(number: int, seed: int) -> Any:
        # It draws from NumPy's own generator.
        np.random.seed(seed)
        explainer = library.KernelExplainer(probability, compared, silent=True)
        return explainer.shap_values(rows.iloc[number].to_numpy(), nsamples=ASKED // BACKGROUND, silent=True)

    def ours(number: int, seed: int) -> Any:
        wanted = asked("shap", seed, output, algorithm="permutation", num_samples=ASKED)
        return values(shap.explain(subject, Case(rows.iloc[[number]]), wanted))

    def answers(number: int) -> Any:
        return deletion.of_columns(subject, rows.iloc[[number]], output)

    for name, stock in (("PermutationExplainer", permutation), ("KernelExplainer", kernel)):
        yield Comparison(f"SHAP, {title}", Side("ours", ours), Side(name, stock), answers)

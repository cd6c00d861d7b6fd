"""On models of real data, what a method names first matters most."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVR

from app.explain import segments
from app.explain import subject as subjects
from app.explain.parts.segments import Segments
from app.explain.parts.superpixels import Superpixels, png
from app.explain.parts.words import Words
from app.payloads.parameters import Kind, Task
from app.pipelines.pixels import Pixels
from tests.explain import deletion
from tests.explain.functions import asked, opaque
from tests.explain.truths import local

#: Rows, and orders by chance that each is compared with.
ROWS, ORDERS = 24, 10


def advantages(case_of, explain):
    """Return by how much less is left when parts go by size, and by how much more is there when they come: (rows, 2).

    Parameters
    ----------
    case_of
        From a number to what is answered under masks, and the explanation's arguments.
    """
    found = []
    for number in range(ROWS):
        answers, arguments = case_of(number)
        values = np.array([one.value for one in explain(*arguments).contributions])
        generator = np.random.default_rng(number)
        random = [generator.permutation(len(values)) for _ in range(ORDERS)]
        ordered, *others = deletion.areas(answers, [np.argsort(-values), *random])
        found.append((np.mean(others, axis=0) - ordered) * [1, -1])
    return np.array(found)


def assert_better(found):
    """The mean of each is above 0 by more than two of its standard errors."""
    assert (found.mean(axis=0) > 2 * found.std(axis=0, ddof=1) / math.sqrt(len(found))).all()


@pytest.fixture(scope="module")
def cancer(subject):
    """A forest on 30 columns of 569 tumours."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return subject(X, y, RandomForestClassifier(30, random_state=0), scaled=False)


@pytest.fixture(scope="module")
def progression(diabetes, subject):
    """Gradient boosting on 10 columns of 442 patients, and a model of support vectors, whose inside nobody sees."""
    X, y = diabetes
    boosting = subject(X, y, GradientBoostingRegressor(random_state=0), Task.REGRESSION, scaled=False)
    return {"boosting": boosting, "support vectors": subject(X, y, SVR(C=100), Task.REGRESSION)}


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_columns_named_first_matter_most_to_a_forest(cancer, method):
    rows = cancer.background.sample(ROWS, random_state=0)

    def case_of(number):
        row = rows.iloc[[number]]
        output = int(cancer.predict(row)[0].argmax())
        return deletion.of_columns(cancer, row, output), (method, cancer, row, output)

    assert_better(advantages(case_of, local))


@pytest.mark.parametrize("method", ["lime", "shap"])
@pytest.mark.parametrize("model", ["boosting", "support vectors"])
def test_columns_named_first_matter_most_to_a_regression(progression, method, model):
    seen = progression[model]
    rows = seen.background.sample(ROWS, random_state=0)

    def case_of(number):
        row = rows.iloc[[number]]
        return deletion.of_columns(seen, row, 0), (method, seen, row)

    assert_better(advantages(case_of, lambda *arguments: local(*arguments, num_samples=4_000)))


@pytest.fixture(scope="module")
def documented(subject):
    """A linear model that tells what NumPy's functions say of themselves from what pandas's do."""
    texts, labels = [], []
    for label, owners in enumerate(((np, np.linalg, np.random), (pd, pd.DataFrame, pd.Series))):
        said = {
            value.__doc__
            for owner in owners
            for name, value in vars(owner).items()
            if callable(value) and name[0] != "_"
        }
        # The first lines, of which each has enough words to leave some out.
        found = sorted(" ".join(text.split()[:40]) for text in said if text and len(text.split()) >= 40)
        texts += found[:150]
        labels += [label] * len(found[:150])
    X = pd.DataFrame({"said": pd.array(texts, dtype="str")})
    return subject(X, labels, LogisticRegression(), said=Kind.TEXT)


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_words_named_first_matter_most_to_a_model_of_texts(documented, method):
    rows = documented.background.sample(ROWS, random_state=0)

    def case_of(number):
        row = rows.iloc[[number]]
        output = int(documented.predict(row)[0].argmax())
        answers = deletion.of_parts(Words.of(documented, row, ["said"]), output)
        return answers, (method, documented, row, output)

    assert_better(advantages(case_of, lambda *arguments: local(*arguments, num_samples=1_000)))


@pytest.fixture(scope="module")
def digits():
    """A forest on the pixels of digits, of which each pixel is shown as nine."""
    images, numbers = load_digits(return_X_y=True)
    shown = np.kron(images[:400].reshape(-1, 8, 8) * 15, np.ones((1, 3, 3))).astype("uint8")
    X = pd.DataFrame({"digit": pd.Series([png(one[:, :, None]) for one in shown], dtype="object")})
    reader = Pixels(24, 24, 1)
    forest = RandomForestClassifier(30, random_state=0).fit(reader.fit_transform(X), numbers[:400])
    seen = opaque(lambda rows: forest.predict_proba(reader.transform(rows)), X.tail(60), tuple(range(10)))
    return replace(seen, images=(24, 24, 1))


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_regions_named_first_matter_most_to_a_model_of_images(digits, method):
    def case_of(number):
        row = digits.background.iloc[[number]]
        output = int(digits.predict(row)[0].argmax())
        answers = deletion.of_parts(Superpixels.of(digits, row), output)
        return answers, (method, digits, row, output)

    assert_better(advantages(case_of, lambda *arguments: local(*arguments, num_samples=300)))


@pytest.mark.parametrize("algorithm", ["lime", "shap"])
def test_stretches_named_first_matter_most_to_a_model_of_series(trained, algorithm):
    model = trained("series")
    seen, rows = model.subject, model.pipeline.rows(model.sent).iloc[:ROWS]
    cases = subjects.cases(model.pipeline, model.sent, rows)

    def case_of(number):
        output = int(seen.predict(rows.iloc[[number]])[0].argmax())
        wanted = asked("segments", output, algorithm=algorithm, num_segments=10, num_samples=200)
        masked = Segments.of(seen, cases[number].signals, 10, "line")
        return deletion.of_parts(masked, output), (seen, cases[number], wanted)

    assert_better(advantages(case_of, segments.explain))

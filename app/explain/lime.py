"""LIME (Ribeiro, Singh & Guestrin 2016): a linear model of the pipeline's answers around one row.

A new explainer is made for each row, since LIME's own object gives another answer at its second call. Columns that are
constant in the background are left as they are in the row: LIME could not vary them.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from app.errors import EngineMissing
from app.explain.base import Asked, Local, Subject
from app.explain.encoding import Encoding
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Rows that are drawn around the explained one; LIME's own default.
SAMPLES = 5000


def explain(subject: Subject, row: pd.DataFrame, asked: Asked) -> Local:
    """Explain one row by the weights of a local linear model, `fidelity` being its R² on the rows drawn.

    A number's weight belongs to the quartile it lies in, a text's to its category: `conditions` has them.
    """
    import numpy as np

    encoding = Encoding.fit(subject.background, row)
    background, point = encoding.encode(subject.background), encoding.encode(row)[0]
    varying = np.flatnonzero(np.ptp(background, axis=0) > 0)
    samples = asked.num_samples or SAMPLES

    def predict(drawn: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        full = np.tile(point, (len(drawn), 1))
        full[:, varying] = drawn
        return subject.predict(encoding.decode(full))[:, [asked.output]]

    if not len(varying):
        value = float(predict(np.empty((1, 0)))[0, 0])
        return Local({}, value, value, {"fidelity": 1.0}, "lime_tabular", _scale(subject), samples, len(background))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explanation = _explainer(encoding, background, varying, asked.seed).explain_instance(
            point[varying],
            lambda drawn: predict(drawn)[:, 0],
            num_features=asked.num_features,
            num_samples=samples,
        )
    # LIME files a regression under label 1.
    weights = {subject.columns[varying[index]]: float(weight) for index, weight in explanation.local_exp[1]}
    names = explanation.domain_mapper.discretized_feature_names
    conditions = {subject.columns[varying[index]]: str(names[index]) for index, _ in explanation.local_exp[1]}
    return Local(
        contributions=weights,
        base_value=float(explanation.intercept[1]),
        local_prediction=float(np.ravel(explanation.local_pred)[0]),
        trust={"fidelity": float(explanation.score)},
        algorithm="lime_tabular",
        scale=_scale(subject),
        num_samples=samples,
        background=len(background),
        conditions=conditions,
    )


def _explainer(encoding: Encoding, background: np.ndarray[Any, Any], varying: np.ndarray[Any, Any], seed: int) -> Any:
    try:
        from lime.lime_tabular import LimeTabularExplainer
    except ImportError:
        raise EngineMissing("LIME", "lime") from None

    text = [index for index, position in enumerate(varying) if position in encoding.categories]
    names = [encoding.columns[position] for position in varying]
    return LimeTabularExplainer(
        background[:, varying],
        discretizer=_quartiles(background[:, varying], text, names, seed),
        # One output at a time is explained, a probability as the number it is.
        mode="regression",
        feature_names=names,
        categorical_features=text,
        categorical_names={
            index: [str(name) if name is not None else "(missing)" for name in encoding.categories[varying[index]]]
            for index in text
        },
        feature_selection="highest_weights",
        random_state=seed,
    )


def _quartiles(background: np.ndarray[Any, Any], text: list[int], names: list[str], seed: int) -> Any:
    """Return LIME's quartiles, repaired for columns of few values.

    In a bin whose values are all the same, LIME 0.2.0.1 draws the standardised value, 0, instead of the value: a column
    of years is asked for the year 0, far from all data, and gets the largest weight.
    """
    import numpy as np
    from lime.discretize import QuartileDiscretizer

    class Quartiles(QuartileDiscretizer):  # type: ignore[misc]  # LIME has no types
        def get_undiscretize_values(self, feature: int, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            drawn: np.ndarray[Any, Any] = super().get_undiscretize_values(feature, values)
            least, most = np.array(self.mins[feature])[values], np.array(self.maxs[feature])[values]
            return np.where(least == most, least, drawn)

    return Quartiles(background, text, names, random_state=np.random.RandomState(seed))


def _scale(subject: Subject) -> str:
    return "value" if subject.task is not Task.CLASSIFICATION else "probability"

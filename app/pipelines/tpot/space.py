"""What TPOT chooses pipelines from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.pipelines.base import Problem

#: Models found before that stand beside TPOT's own.
_FOUND = 3

#: Rows and columns that a space is made for at least: with fewer, a range of it (of quantiles from 10 to the rows, of
#: components from 1 to the columns) has one value or none, and there is no space at all. What is drawn beyond what
#: there is, scikit-learn brings down to it.
_FEWEST_ROWS, _FEWEST_COLUMNS = 11, 2


def build(problem: Problem, given: dict[str, Any], n_features: int, seed: int, models: Sequence[Any] = ()) -> Any:
    """Return TPOT's search space for a problem.

    Parameters
    ----------
    given
        `search_space` names one of TPOT's templates; 0.x called the small one `config_dict: TPOT light`.
        `estimators` names what may stand last; such a space is scaling, selection, transformation and one of them.
    seed
        Of the candidates' own random choices.
    models
        Unfitted, found before, the best first: those of `estimators` may stand last with the arguments that they have,
        as often as with TPOT's own. Crossing over mixes the two.
    """
    from tpot.config import get_search_space
    from tpot.config.template_search_spaces import get_template_search_spaces
    from tpot.search_spaces.nodes import EstimatorNode
    from tpot.search_spaces.pipelines import ChoicePipeline, SequentialPipeline, UnionPipeline

    shape = {
        "n_classes": len(problem.classes) or None,
        "n_samples": max(_FEWEST_ROWS, len(problem.y)),
        "n_features": max(_FEWEST_COLUMNS, n_features),
        "random_state": seed,
    }
    if "estimators" not in given:
        name = given.get("search_space", "linear-light" if "config_dict" in given else "linear")
        return get_template_search_spaces(name, classification=bool(problem.classes), **shape)
    selectors = "selectors_classification" if problem.classes else "selectors_regression"
    transformed = UnionPipeline([get_search_space("transformers", **shape), get_search_space("Passthrough", **shape)])
    last = [get_search_space(name, **shape) for name in given["estimators"]]
    alike = [model for model in models if type(model).__name__ in given["estimators"]]
    found = [EstimatorNode(type(model), model.get_params(deep=False)) for model in alike[:_FOUND]]
    return SequentialPipeline(
        [
            get_search_space(["scalers", "Passthrough"], **shape),
            get_search_space([selectors, "Passthrough"], **shape),
            ChoicePipeline([get_search_space("Passthrough", **shape), transformed]),
            ChoicePipeline([*last, *found]),
        ]
    )

"""What TPOT chooses pipelines from."""

from __future__ import annotations

from typing import Any

from app.pipelines.base import Problem


def build(problem: Problem, given: dict[str, Any], n_features: int) -> Any:
    """Return TPOT's search space for a problem.

    Parameters
    ----------
    given
        `search_space` names one of TPOT's templates; 0.x called the small one `config_dict: TPOT light`.
        `estimators` names what may stand last; such a space is scaling, selection, transformation and one of them.
    """
    from tpot.config import get_search_space
    from tpot.config.template_search_spaces import get_template_search_spaces
    from tpot.search_spaces.pipelines import ChoicePipeline, SequentialPipeline, UnionPipeline

    shape = {
        "n_classes": len(problem.classes) or None,
        "n_samples": len(problem.y),
        "n_features": n_features,
        "random_state": problem.seed,
    }
    if "estimators" not in given:
        name = given.get("search_space", "linear-light" if "config_dict" in given else "linear")
        return get_template_search_spaces(name, classification=bool(problem.classes), **shape)
    selectors = "selectors_classification" if problem.classes else "selectors_regression"
    transformed = UnionPipeline([get_search_space("transformers", **shape), get_search_space("Passthrough", **shape)])
    return SequentialPipeline(
        [
            get_search_space(["scalers", "Passthrough"], **shape),
            get_search_space([selectors, "Passthrough"], **shape),
            ChoicePipeline([get_search_space("Passthrough", **shape), transformed]),
            get_search_space(given["estimators"], **shape),
        ]
    )

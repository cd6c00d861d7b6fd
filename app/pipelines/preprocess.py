"""From the caller's columns to the numbers an estimator takes, and back from those numbers to the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Images, Kind
from app.pipelines.date_parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.base import BaseEstimator
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    from app.pipelines.base import Problem

#: Categories of one column that get a column of their own; the rarest share one.
MAX_CATEGORIES = 30

#: What people read for the category that the rare ones share, and for a missing one; scikit-learn's name of the former.
_RARE, _MISSING, _INFREQUENT = "a rare one", "nothing", "infrequent_sklearn"


def preprocessor(
    kinds: Mapping[str, Kind], scaled: bool, images: Images | None = None, seed: int = 0
) -> ColumnTransformer:
    """Return an unfitted transformer for columns of these kinds; it gives float64 (of images alone: float32).

    Numbers and booleans: missing values become the median, then mean 0 and variance 1 if `scaled`. Categories: one
    column a category; a missing value is a category, one that training did not see counts as rare, or as none. Where
    there are more than `MAX_CATEGORIES`, their letters beside, by which rare and unseen ones resemble others. Text and
    dates: see `encoders`. Images: see `Pixels`. Signals are left out: models that read them have steps of their own.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from app.pipelines.encoders import DateEncoder, TextEncoder
    from app.pipelines.pixels import Pixels

    def of(*wanted: Kind) -> list[str]:
        return [name for name, kind in kinds.items() if kind in wanted]

    def then_scaled(encoder: BaseEstimator) -> BaseEstimator:
        return make_pipeline(encoder, StandardScaler()) if scaled else encoder

    size = images or Images()
    # An all-empty column keeps its place, or the columns after it would move.
    fill: Any = SimpleImputer(strategy="median", keep_empty_features=True)
    steps = [
        ("numbers", then_scaled(fill), of(Kind.NUMBER, Kind.BOOLEAN)),
        ("categories", _categories(), of(Kind.CATEGORY)),
        ("letters", TextEncoder(letters=True, least=MAX_CATEGORIES + 1, random_state=seed), of(Kind.CATEGORY)),
        ("text", TextEncoder(random_state=seed), of(Kind.TEXT)),
        ("dates", then_scaled(DateEncoder()), of(Kind.DATE)),
        *(
            (f"image {number}", Pixels(size.height, size.width, size.channels), [name])
            for number, name in enumerate(of(Kind.IMAGE))
        ),
    ]
    return ColumnTransformer([step for step in steps if step[2]], verbose_feature_names_out=False)


def _categories() -> Pipeline:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    return make_pipeline(
        SimpleImputer(strategy="constant", fill_value="", missing_values=float("nan"), keep_empty_features=True),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False),
    )


def numbers_only(scaled: bool) -> BaseEstimator:
    """Return an unfitted transformer for features that are all numbers, none of them missing."""
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return StandardScaler() if scaled else FunctionTransformer()


def assemble(problem: Problem, model: BaseEstimator, scaled: bool) -> Pipeline:
    """Return the unfitted pipeline that is scored, fitted and served: `preprocess`, then `model`.

    Where only relevant features are kept, `select` comes first, and each fold chooses by its own labels.
    """
    from sklearn.pipeline import Pipeline

    if not problem.select:
        prepare = preprocessor(problem.kinds, scaled, problem.parameters.images, problem.seed)
        return Pipeline([("preprocess", prepare), ("model", model)])
    from app.pipelines.tsfresh.select import RelevantFeatures

    select = RelevantFeatures(problem.task.value)
    return Pipeline([("select", select), ("preprocess", numbers_only(scaled)), ("model", model)])


def origins(fitted: ColumnTransformer) -> list[str]:
    """Name the caller's column behind each output of a fitted preprocessor, shape (n_outputs,)."""
    return [column for column, _ in outputs(fitted)]


def outputs(fitted: ColumnTransformer) -> list[tuple[str, str]]:
    """Name for each output of a fitted preprocessor the caller's column and what of it that is.

    The latter is a category (`= red`), the part of a date (`weekday`), or one of the numbers of a text or an image
    (`part 3`); it is empty for a number itself.
    """
    found: list[tuple[str, str]] = []
    for name, transformer, columns in fitted.transformers_:
        if name == "remainder":
            continue
        steps = [step for _, step in transformer.steps] if hasattr(transformer, "steps") else [transformer]
        counted = next((step for step in steps if hasattr(step, "n_outputs_")), None)
        if counted is not None:
            dates = hasattr(counted, "medians_")
            for column, count in zip(columns, counted.n_outputs_, strict=True):
                found += [(column, PARTS[place] if dates else f"part {place + 1}") for place in range(count)]
        elif hasattr(steps[-1], "categories_"):
            # Numbered, so that the underscore that scikit-learn puts between column and category is the first one.
            names = steps[-1].get_feature_names_out([str(number) for number in range(len(columns))])
            for number, _, category in (output.partition("_") for output in names):
                found.append((columns[int(number)], f"= {_RARE if category == _INFREQUENT else category or _MISSING}"))
        else:
            found += [(column, "") for column in columns]
    return found

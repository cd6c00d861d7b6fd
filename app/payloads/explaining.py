"""Parameters of explanations: those of every method, and of each its own. One class a method, in `METHODS`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field

from app.errors import Fault, InvalidParameters, at, listed, nearest
from app.payloads.parameters import ColumnName, PipelineId, Seed, Strict, Version, check

#: Rows that one request may have explained.
MOST_EXPLAINED = 100

Label = str | bool | int | float
#: A number that ends, and no text or boolean in its place.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Columns = Annotated[list[ColumnName], Field(min_length=1, max_length=100)]


class ExplainParameters(Strict):
    """The `params` part of POST /explain, or the names beside `data` in a JSON body: what every method takes."""

    #: Whether rows must be sent; else those that are kept with the version are taken.
    needs_rows: ClassVar[bool] = False

    pipeline_id: PipelineId
    version: Version | None = None
    """The current one when left out."""
    method: str
    """One of those that GET /models/<id>/explainers lists."""
    target: Label | None = None
    """Class to explain. When left out: of two the positive one; of more the predicted one, of a method over many rows
    each."""
    num_features: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 10
    """Contributions to return, largest first; the others are summed up in `rest`."""
    seed: Seed = 0
    """Of every random choice; the same request gives the same answer."""

    def to_bytes(self) -> dict[str, bytes]:
        """Return what `from_bytes` reads."""
        return {"parameters": self.model_dump_json(exclude_unset=True).encode()}

    @classmethod
    def from_bytes(cls, stored: dict[str, bytes]) -> ExplainParameters:
        """Read the parameters of another process."""
        return check_explaining(orjson.loads(stored["parameters"]))


class Local(ExplainParameters):
    """What explains one row at a time."""

    needs_rows: ClassVar[bool] = True

    ids: Annotated[list[str | int], Field(min_length=1, max_length=MOST_EXPLAINED)] | None = None
    """Which rows to explain; all that were sent, up to 100, when left out."""


class Sampled(Local):
    """What draws samples."""

    max_error: Annotated[Number, Field(gt=0)] | None = None
    """Standard error of the contributions at which sampling ends, before num_samples."""
    stability: bool = False
    """Repeat with four other seeds and tell how far the largest contributions agree."""


class Lime(Sampled):
    """LIME: a local linear model, of columns, words of a text or regions of an image."""

    num_samples: Annotated[int, Field(strict=True, ge=10, le=50_000)] | None = None
    """Rows drawn around each explained row; 5000 when left out, of images 1000."""
    text: ColumnName | None = None
    """Explain by the words of this column; when left out, by words where every column is text, else by columns."""


class Shap(Sampled):
    """SHAP: Shapley values of columns, words of a text or regions of an image."""

    algorithm: Literal["auto", "tree", "linear", "exact", "kernel", "permutation"] = "auto"
    """Exact for trees, for linear models and where all coalitions with every background row fit num_samples; else
    coalitions are sampled: of words and regions by their kernel, of columns by permutations. `auto` takes the first
    that fits."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=50_000)] | None = None
    """Rows that the model may be asked for; 20000 when left out, of images 1000."""
    text: ColumnName | None = None
    """As of LIME."""


class Segments(Sampled):
    """Which stretches of the series moved the prediction: LIME or SHAP over stretches that are masked."""

    algorithm: Literal["lime", "shap"] = "lime"
    """How stretches are weighed."""
    num_segments: Annotated[int, Field(strict=True, ge=2, le=200)] = 20
    """Stretches of each signal."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=10_000)] = 500
    """Series that are made of the explained one."""
    fill: Literal["line", "mean", "zero"] = "line"
    """What a masked stretch becomes: a straight line between its ends, the mean of the signal, or 0."""


class FeaturesOnSignal(Sampled):
    """Where in the series the features that matter are read."""

    algorithm: Literal["lime", "shap"] = "shap"
    """How the features are weighed."""
    num_segments: Annotated[int, Field(strict=True, ge=2, le=200)] = 20
    """Stretches of each signal."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=50_000)] | None = None
    """As of the algorithm."""


class GradCam(Local):
    """Where a convolutional network looked in an image."""


class Gradients(Sampled):
    """Gradients of a network along the way from other rows."""

    algorithm: Literal["expected", "integrated"] = "expected"
    """From rows of the training, or straight from their mean, which has no standard error that could end it."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=10_000)] = 500
    """Points on the way."""


class Nearest(Local):
    """The nearest rows with another outcome."""

    among: Literal["training", "sent"] = "training"
    """Rows of the training that are kept with the version, up to 500, or all rows that are sent beside `ids`."""
    distance: Literal["l1", "l2"] = "l1"
    """As the What-If Tool measures them."""
    count: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """Rows to return."""
    difference: Annotated[Number, Field(gt=0)] | None = None
    """Of numbers: how far another outcome is off at least; the standard deviation of the predictions when left out."""


class Counterfactual(Local):
    """Rows with another outcome that differ in as few columns as may be."""

    wanted: Label | None = None
    """Class to reach; any other than the predicted one when left out."""
    at_least: Number | None = None
    """Of numbers: the least prediction to reach."""
    at_most: Number | None = None
    """Of numbers: the greatest prediction to reach."""
    immutable: Annotated[list[ColumnName], Field(max_length=10_000)] = Field(default=[])
    """Columns that stay."""
    ranges: dict[ColumnName, Annotated[list[Number], Field(min_length=2, max_length=2)]] = Field(default={})
    """{column: [least, greatest]} of numbers that may change."""
    allowed: dict[ColumnName, Annotated[list[Label], Field(min_length=1)]] = Field(default={})
    """{column: [values]} of categories that may change."""
    count: Annotated[int, Field(strict=True, ge=1, le=10)] = 3
    """Rows to return."""
    seconds: Annotated[Number, Field(gt=0, le=60)] = 5.0
    """Of the search, a row."""

    def conflicts(self) -> list[Fault]:
        """Return what is wrong between fields that are right by themselves."""
        faults = [
            Fault(at("params", "ranges", name), "the least is above the greatest")
            for name, (low, high) in self.ranges.items()
            if not low <= high
        ]
        both = [name for name in (*self.ranges, *self.allowed) if name in self.immutable]
        faults += [Fault(at("params", "immutable"), f"{name} may not change, and may: leave one out") for name in both]
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            faults.append(Fault(at("params", "at_least"), "is above at_most"))
        return faults


class Ice(Local):
    """How the prediction of a row follows each column."""

    columns: Columns | None = None
    """Which columns; the ones that change it most, up to num_features, when left out."""
    grid_size: Annotated[int, Field(strict=True, ge=2, le=100)] = 20
    """Values of a column."""


class PartialDependence(ExplainParameters):
    """How predictions follow one column, or two, on average."""

    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=2)] | None = None
    """One or two; each that can be varied, those that change predictions most first, when left out."""
    grid_size: Annotated[int, Field(strict=True, ge=2, le=100)] = 20
    """Values of a column."""
    num_rows: Annotated[int, Field(strict=True, ge=2, le=5_000)] = 200
    """Rows that are averaged over."""


class PermutationImportance(ExplainParameters):
    """How much worse the model gets as a column is shuffled, with its spread."""

    labels: ColumnName | None = None
    """Column of the data with what was really observed; when no data is sent, the rows that the training held out."""
    seconds: Annotated[int, Field(strict=True, ge=1, le=60)] = 20
    """Wall time after which no shuffle is begun."""


class Interactions(ExplainParameters):
    """SHAP interaction values of trees: what two columns do together beyond what each does."""

    num_rows: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 100
    """Rows that are averaged over."""


class Summary(ExplainParameters):
    """What local explanations come to over many rows: means by column, word, stretch or place."""

    algorithm: Literal["shap", "lime", "segments", "features_on_signal", "grad_cam", "gradients"] | None = None
    """The local method; when left out shap, of raw series segments, of images grad_cam where it fits."""
    num_rows: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 100
    """Rows that are explained, of those that were sent or are kept with the version."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=50_000)] | None = None
    """Of each explanation, as its method has it."""
    max_error: Annotated[Number, Field(gt=0)] | None = None
    """Of each explanation, as its method has it."""


class SpLime(ExplainParameters):
    """SP-LIME: few rows whose explanations together show the most of the model."""

    sample_size: Annotated[int, Field(strict=True, ge=1, le=500)] = 20
    """Rows that are explained, drawn from those that were sent or are kept with the version."""
    num_explanations: Annotated[int, Field(strict=True, ge=1, le=100)] = 5
    """Rows that are picked of these."""
    num_samples: Annotated[int, Field(strict=True, ge=10, le=50_000)] | None = None
    """As of LIME."""
    max_error: Annotated[Number, Field(gt=0)] | None = None
    """As of LIME."""


METHODS: dict[str, type[ExplainParameters]] = {
    "lime": Lime,
    "shap": Shap,
    "segments": Segments,
    "features_on_signal": FeaturesOnSignal,
    "grad_cam": GradCam,
    "gradients": Gradients,
    "counterfactual": Counterfactual,
    "nearest": Nearest,
    "ice": Ice,
    "partial_dependence": PartialDependence,
    "permutation_importance": PermutationImportance,
    "interactions": Interactions,
    "summary": Summary,
    "sp_lime": SpLime,
}


def check_explaining(values: dict[str, Any]) -> ExplainParameters:
    """Check values against the parameters of the method that they name.

    Raises
    ------
    InvalidParameters
        With a pointer to each value that is unknown, missing or out of bounds; of an unknown method with those known.
    """
    method = values.get("method")
    if not isinstance(method, str) or method not in METHODS:
        wrong = "missing" if method is None else f"unknown; {nearest(method, METHODS)}known are {listed(METHODS)}"
        raise InvalidParameters("The method is not one that this service has.", [Fault("/params/method", wrong)])
    return check(METHODS[method], values)

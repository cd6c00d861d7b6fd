"""A trained pipeline: what it accepts, how it computes its features, and the fitted estimator behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from app.errors import ArtifactRejected, InvalidData, NeedsRetraining
from app.payloads.parameters import Task
from app.payloads.signature import Signature
from app.payloads.straight import Straight, Wanted
from app.payloads.training import SINGLE_SERIES, as_single, from_arrow, to_arrow
from app.pipelines import formats
from app.pipelines.batching import Together
from app.pipelines.compiled import stored
from app.pipelines.compiled.operation import Columns, Declined, OfColumns, columns_of
from app.pipelines.original import Original
from app.pipelines.refusals import refusals
from app.pipelines.tsfresh import SeriesFeatures
from app.store.artifact import Artifact
from app.telemetry import metrics
from app.telemetry.stages import Stage

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from app.pipelines.tsfresh.windows import WindowFeatures

    Array = np.ndarray[Any, Any]

#: {distribution: its module} whose minor version must be the one that trained, as they read their own fitted state.
VERSIONED = {
    "scikit-learn": "sklearn",
    "numpy": "numpy",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "tpot": "tpot",
    "tsfresh": "tsfresh",
    "keras": "keras",
    "torch": "torch",
}


@dataclass(frozen=True)
class TrainedPipeline:
    """What is served.

    Attributes
    ----------
    classes
        Labels by code, as they were given; empty for a regression.
    positive_class
        One of `classes`, or None.
    columns
        Columns of the rows that the estimator takes: the table's own, tsfresh's features, or signals as they are.
    original
        The pipeline as it was fitted, and training rows. Loaded when something needs it: a compiled one may not.
    compiled
        What answers as the original does, and faster; None where there is no such.
    beside
        What those who use the pipeline keep with it as long as it is loaded.
    """

    task: Task
    signature: Signature
    features: SeriesFeatures | WindowFeatures | None
    classes: tuple[Any, ...]
    positive_class: Any
    columns: tuple[str, ...]
    original: Original
    libraries: dict[str, str]
    compiled: OfColumns | None = None
    beside: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def fitted(self) -> Pipeline:
        """scikit-learn's Pipeline from rows of `columns` to codes or targets.

        It has the steps `preprocess` and `model`; `model` alone, which has such pipelines inside (an ensemble, a
        forecast) or reads rows as they are (a network of images, texts or series); or steps of its own (convolutions).
        """
        return self.original.fitted

    @property
    def background(self) -> pd.DataFrame:
        """Training rows that explainers compare with, shape (at most BACKGROUND, len(columns))."""
        return self.original.background

    def rows(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Turn a request's frame into the rows that the estimator takes.

        Parameters
        ----------
        part
            What to call the frame in an error.

        Returns
        -------
        DataFrame of shape (n_samples, len(columns)), indexed by id: the id column's values, else the row's position.
        Of a forecasting a row is a step of a series, and the index says which.

        Raises
        ------
        InvalidData
        """
        conformed = self.conformed(frame, part)
        if self.features is not None:
            with Stage("features", metrics.FEATURES_SECONDS):
                return self.features.transform(conformed, part)
        if self.signature.id_column in frame.columns:
            conformed = conformed.set_axis(frame[self.signature.id_column], axis=0)
        return conformed[list(self.columns)]

    @cached_property
    def wanted(self) -> Wanted:
        """What the signature asks for."""
        return Wanted.of(self.signature)

    def straight_rows(self, table: Straight) -> Straight | None:
        """Return what `rows` does, of a table that needs no frame; None where there has to be one."""
        if self.features is None:
            return table
        assert isinstance(self.features, SeriesFeatures)
        with Stage("features", metrics.FEATURES_SECONDS):
            return self.features.straight(table)

    def conformed(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Bring a request's frame to the columns and kinds of training, one row a row.

        Raises
        ------
        InvalidData
        """
        if self.signature.id_column == SINGLE_SERIES:
            frame = as_single(frame, part)
        return self.signature.conform(frame, part)

    def predict(self, rows: pd.DataFrame) -> Array:
        """Return the probabilities, shape (n_samples, n_classes), or for a regression the targets, (n_samples,).

        Raises
        ------
        InvalidData
            The estimator cannot predict such rows: none of its neighbours is near, say.
        """
        if (found := self.predict_columns(columns_of(rows))) is not None:
            return found
        return self.predict_original(rows)

    def predict_columns(self, columns: Columns) -> Array | None:
        """Return what `predict` does, for rows that are no frame; None where only the original can answer."""
        if self.compiled is None:
            return None
        # What the compiled form declines or cannot read, the original answers, or refuses in its own words.
        with suppress(Declined, ValueError):
            found = self.compiled(columns)
            return found if self.task is Task.CLASSIFICATION else found[:, 0]
        return None

    @cached_property
    def _together(self) -> Together:
        return Together(self._predict_original, self.background)

    def predict_original(self, rows: pd.DataFrame) -> Array:
        """Return what `predict` does, by the pipeline as it was fitted.

        Raises
        ------
        InvalidData
        """
        return self._together(rows)

    def _predict_original(self, rows: pd.DataFrame) -> Array:
        import numpy as np

        fitted = self.fitted
        with refusals(fitted, InvalidData, "cannot predict these rows"):
            if self.task is Task.CLASSIFICATION:
                return np.asarray(fitted.predict_proba(rows), dtype="float64")
            return np.asarray(fitted.predict(rows), dtype="float64").reshape(len(rows))

    def _needed(self) -> list[str]:
        """Name the versioned distributions that this pipeline is made of."""
        names = {type(part).__module__ for part in _parts(self.fitted)}
        modules = {name.partition(".")[0] for name in names} | {"numpy"}
        if any("autokeras" in name for name in names):
            modules |= {"keras", "torch"}
        modules |= {"tsfresh"} if self.features is not None else set()
        return [name for name, module in VERSIONED.items() if module in modules]

    def to_artifact(self) -> Artifact:
        """Return what `from_artifact` reads."""
        format_name, data = formats.dump(self.fitted, self.background)
        manifest = {
            "format": format_name,
            "task": self.task.value,
            "signature": self.signature.as_json(),
            "features": None if self.features is None else self.features.as_json(),
            "classes": list(self.classes),
            "positive_class": self.positive_class,
            "columns": list(self.columns),
            "libraries": {name: self.libraries[name] for name in self._needed()},
        }
        parts = {"estimator": data, "background": to_arrow(self.background)}
        if self.compiled is not None:
            parts["compiled"] = stored.dumps(self.compiled)
        return Artifact(manifest, parts)

    @classmethod
    def from_artifact(cls, artifact: Artifact, installed: dict[str, str]) -> Self:
        """Load a pipeline from an artefact that the store has verified.

        Raises
        ------
        NeedsRetraining
            A library that it needs has another minor version here. A compiled pipeline needs none to predict: it says
            so when it is to be explained.
        """
        manifest, parts = artifact.manifest, artifact.parts
        changed = [
            name for name, version in manifest["libraries"].items() if minor(version) != minor(installed.get(name, ""))
        ]
        compiled = stored.loads(parts["compiled"]) if "compiled" in parts else None
        refused = NeedsRetraining(manifest["pipeline_id"], changed) if changed else None
        if refused is not None and (compiled is None or "tsfresh" in changed):
            # What comes before a compiled pipeline may be computed by tsfresh.
            raise refused
        features = manifest["features"]
        fitted = partial(_fitted, manifest, parts["estimator"], refused)
        background = partial(_background, parts["background"], refused)
        return cls(
            task=Task(manifest["task"]),
            signature=Signature.from_json(manifest["signature"]),
            features=None if features is None else _features(features),
            classes=tuple(manifest["classes"]),
            positive_class=manifest["positive_class"],
            columns=tuple(manifest["columns"]),
            original=Original(fitted, background),
            libraries=manifest["libraries"],
            compiled=compiled,
        )


def _fitted(manifest: dict[str, Any], estimator: bytes, refused: NeedsRetraining | None) -> Pipeline:
    if refused is not None:
        raise refused
    try:
        return formats.load(manifest["format"], estimator)
    except formats.Refused as error:
        raise ArtifactRejected(manifest["pipeline_id"], manifest["version"]) from error


def _background(background: bytes, refused: NeedsRetraining | None) -> pd.DataFrame:
    if refused is not None:
        raise refused
    return from_arrow(background)


def _parts(value: Any) -> Iterator[Any]:
    """Yield an estimator and all that it is made of: its parameters, and the members of lists among them."""
    yield value
    inner = value if isinstance(value, list | tuple) else ()
    if hasattr(value, "get_params"):
        inner = list(value.get_params(deep=False).values())
    for part in inner:
        yield from _parts(part)


def _features(described: dict[str, Any]) -> SeriesFeatures | WindowFeatures:
    from app.pipelines.tsfresh.windows import WindowFeatures

    return (WindowFeatures if "horizon" in described else SeriesFeatures).from_json(described)


def minor(version: str) -> tuple[str, ...]:
    """Return the first two parts of a version."""
    return tuple(version.split(".")[:2])


def installed_versions() -> dict[str, str]:
    """Return {distribution: version} of what trains and explains and is installed, and of Python."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in (*VERSIONED, "scipy", "pandas", "shap", "skops", "autokeras"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found

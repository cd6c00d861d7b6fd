"""What a file does that trains a version again: read, make rows, split, train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.beside import ROLES
from app.payloads.images import BESIDE
from app.payloads.parameters import ExtractFeatures, Task
from app.payloads.signature import Signature
from app.payloads.training import SINGLE_SERIES
from app.pipelines import metrics, sizing
from app.pipelines.reports.again import fits, series, splits, tables, windows
from app.pipelines.reports.expressions import Written, expression
from app.pipelines.reports.parts import columns_named, parts
from app.pipelines.reports.sources import Import
from app.pipelines.tsfresh.params import IMPUTATIONS, SETS, fc_parameters
from app.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.pipeline import Pipeline

#: Dates that are written day first, as `dates.FORMS` calls them.
_DAY_FIRST = ("day first", "day before dots")


class Steps:
    """The steps of one file.

    Attributes
    ----------
    constants
        {name: (what it is, its expression)}.
    used
        Functions that are called.
    lines
        Of the body of `main`.
    labelled
        Whether there may be a file of labels.
    features
        Names of the pipeline's columns that are computed, so that the file need not list them.
    """

    def __init__(self, record: Record, pipeline: Pipeline) -> None:
        """Write all of them."""
        self.record, self.pipeline = record, pipeline
        self.signature = Signature.from_json(record.signature)
        self.parameters = record.parameters
        self.classes = record.result.get("classes", [])
        self.labelled = self.signature.id_column is not None and record.task != Task.FORECASTING
        self.constants: dict[str, tuple[str, str]] = {}
        self.used: list[Callable[..., Any]] = []
        self.lines: list[str] = []
        self.imports: set[Import] = {("argparse", "", "argparse"), ("joblib", "", "joblib")}
        self.features: list[str] = []
        # Whether the features that are computed stand apart from the raw series in X.
        self._computed = False
        if any(type(part).__name__ == "EstimatorTransformer" for part in parts(pipeline)):
            from app.pipelines.tpot.stacking import mend_stacking

            self.lines.append(f"{self._call(mend_stacking)}()")
        if record.task == Task.FORECASTING:
            self._forecasting()
        else:
            self._samples()
        self._train()

    def _samples(self) -> None:
        """Read a table or series, with a label for each row or series."""
        parameters, target = self.parameters, self.parameters.get("target")
        self._constant("TARGET", target, "Column of the labels." if target else "The labels are the one other column.")
        self._constant("ID", self.signature.id_column, "Column by which labels are joined.")
        if self.classes:
            last = "; the last one is the positive class" if len(self.classes) == 2 else ""
            self._constant("CLASSES", self.classes, f"Classes by code{last}.")
        extracted = parameters.get("extract_features")
        reader: Callable[..., Any] = tables.read
        if extracted is None and set(BESIDE) <= set(self.signature.ignored):
            reader = tables.read_images
        self.lines.append(f"frame = {self._call(reader)}(arguments.raw_data{self._as_text(reader)})")
        if self.labelled:
            read = f"{self._call(tables.read)}(arguments.labels, ID{self._text_of_labels()})"
            self.lines.append(f"labels = {read} if arguments.labels else None" if target else f"labels = {read}")
        if extracted is None:
            self._table()
        else:
            self._series(extracted)
        y = self._beside(None)
        if self.classes:
            self.lines.append(f"y = {self._call(tables.coded)}({y}, CLASSES)")
        else:
            self.lines.append(f'y = {y}.to_numpy(dtype="float64")')
        weights = parameters.get("sample_weight")
        weighed = f'{self._beside(weights)}.to_numpy(dtype="float64")' if weights else "None"
        self.lines.append(f"weights = {weighed}")
        self._split()

    def _as_text(self, reader: Callable[..., Any]) -> str:
        """Write which columns of the data are text, whatever they look like in a CSV."""
        if reader is not tables.read:
            return ""
        names = tuple(self.signature.text_columns)
        return ", ID" + _named({"text": (*names, self.parameters["target"]) if self._named_text() else names})

    def _text_of_labels(self) -> str:
        if self._named_text():
            return ", text=(TARGET,)"
        alone = not any(self.parameters.get(role) for role in ROLES)
        return ", text=None" if alone and self._classes_of_text() and not self.parameters.get("target") else ""

    def _named_text(self) -> bool:
        return bool(self.parameters.get("target")) and self._classes_of_text()

    def _classes_of_text(self) -> bool:
        """Tell whether the classes are text: in a CSV some may look like numbers."""
        return bool(self.classes) and all(isinstance(name, str) for name in self.classes)

    def _table(self) -> None:
        features = [column for column in self.signature.columns if column.role == "feature"]
        self._constant("KINDS", {column.name: column.kind.value for column in features}, "What the columns hold.")
        day_first = tuple(column.name for column in features if column.form in _DAY_FIRST)
        given = f", day_first={_text(day_first)}" if day_first else ""
        self.lines.append(f"X = {self._call(tables.rows)}(frame, KINDS{given})")

    def _series(self, extracted: dict[str, Any]) -> None:
        named, signals = columns_named(self.pipeline), self._signals(extracted)
        self.features = [name for name in named if name not in signals]
        inside = list(parts(self.pipeline))
        selects = any(type(part).__name__ == "RelevantFeatures" for part in inside)
        raw = any(type(part).__name__ == "RandomConvolutions" or _is(part, "kind", "series") for part in inside)
        arguments = self._of_series(extracted) | {"kind": extracted.get("column_kind")}
        self.lines.append(f"ids, found = {self._call(series.signals)}(frame, ID{_named(arguments)})")
        found = []
        if self.features or selects or not raw:
            computed = f"{self._call(series.features)}(ids, found, {self._parameters(extracted)})"
            self.lines.append(f"computed = {self._call(series.imputed)}({computed}{_named(self._zero(extracted))})")
            found.append("computed")
            self._computed = True
        if raw:
            found.append(f"{self._call(series.raw)}(ids, found)")
        self.imports |= {("pandas", "", "pd")} if len(found) > 1 else set()
        self.lines.append(f"X = pd.concat([{', '.join(found)}], axis=1)" if len(found) > 1 else f"X = {found[0]}")

    def _forecasting(self) -> None:
        """Read series, of which windows are samples."""
        extracted, forecast = self.parameters["extract_features"], self.parameters.get("forecast") or {}
        self.features = list(columns_named(self.pipeline))
        arguments = self._of_series(extracted)
        target = self.parameters.get("target") or arguments["values"][0]
        arguments["values"] = [target, *(name for name in arguments["values"] if name != target)]
        arguments |= {"window": forecast.get("window", 20), "horizon": forecast.get("horizon", 1)}
        id_column = None if self.signature.id_column == SINGLE_SERIES else self.signature.id_column
        self.lines.append(f"frame = {self._call(tables.read)}(arguments.raw_data, {_text(id_column)})")
        features = f"parameters={self._parameters(extracted)}"
        more = self._zero(extracted) | {"seed": self.record.seed}
        given = f"frame, {_text(id_column)}{_named(arguments)}, {features}{_named(more)}"
        self.lines.append(f"X, y, ends, targets = {self._call(windows.samples)}({given})")
        horizon, folds = arguments["horizon"], self.parameters.get("folds", 5)
        self.lines.append(f"splits = {self._call(splits.backtest)}(ends, targets, {folds}, {horizon})")
        self.lines.append("weights = None")

    def _signals(self, extracted: dict[str, Any]) -> set[str]:
        if not extracted.get("column_kind"):
            return set(self.signature.names("value"))
        kind = next(column for column in self.signature.columns if column.role == "signal")
        return set(map(str, kind.summary.get("categories", [])))

    def _of_series(self, extracted: dict[str, Any]) -> dict[str, Any]:
        sort = next((column for column in self.signature.columns if column.role == "sort"), None)
        return {
            "sort": extracted.get("column_sort"),
            "values": self.signature.names("value"),
            "missing": extracted.get("missing", "refuse"),
            "dated": sort is not None and sort.kind == "date",
        }

    def _parameters(self, extracted: dict[str, Any]) -> str:
        """Write tsfresh's parameters as a constant, and return its name."""
        wanted = extracted.get("default_fc_parameters", ExtractFeatures().default_fc_parameters)
        told = "What tsfresh computes: {calculator: None or [its arguments, …]}."
        if isinstance(wanted, dict):
            self._constant("FEATURES", fc_parameters(wanted), told)
            return "FEATURES"
        name = next(known for known in SETS if known in wanted)
        self.imports.add(("tsfresh.feature_extraction", name, name))
        self.constants["FEATURES"] = ("What tsfresh computes.", f"{name}()")
        return "FEATURES"

    def _zero(self, extracted: dict[str, Any]) -> dict[str, Any]:
        zero = IMPUTATIONS.get(extracted.get("impute_function") or "", "range") == "zero"
        return {"zero": True} if zero else {}

    def _beside(self, name: str | None) -> str:
        """Write the values of a column that stands beside the features; the labels when there is no name."""
        roles = [self.parameters.get(role) for role in ROLES]
        others = tuple(role for role in roles if role)
        wanted = "TARGET" if name is None else _text(name)
        excepted = f", {_text(others)}" if name is None and others and not self.parameters.get("target") else ""
        labels = "labels" if self.labelled else "None"
        return f"{self._call(tables.beside)}({wanted}, frame, {labels}, ID{excepted})"

    def _split(self) -> None:
        folds, seed, classified = self.parameters.get("folds", 5), self.record.seed, bool(self.classes)
        groups, time = self.parameters.get("groups"), self.parameters.get("time")
        chosen = self.record.result.get("chosen") or {}
        together = "groups" if groups else "times" if time else None
        if together:
            self.lines.append(f"{together} = {self._beside(groups or time)}.to_numpy()")
        if rows := chosen.get("rows"):
            more = f", [{together or ''}], weights"
            drawn = f"{self._call(sizing.rows_drawn)}(y, {rows}, {seed}, {classified}{more})"
            self.lines += [f"drawn = {drawn}", "X, y = X.iloc[drawn], y[drawn]"]
            self.lines += [f"{together} = {together}[drawn]"] if together else []
            self.lines += ["weights = weights[drawn]"] if self.parameters.get("sample_weight") else []
        if groups:
            made = f"{self._call(splits.grouped)}(y, groups, {classified}, {folds}, {seed})"
        elif time:
            made = f"{self._call(splits.in_time)}(y, times, {classified}, {folds})"
        else:
            made = f"{self._call(splits.shuffled)}(y, {classified}, {folds}, {seed})"
        self.lines.append(f"splits = {made}")
        if last := chosen.get("folds"):
            self.lines.append(f"splits = (*splits[:2], splits[2][-{last}:])")

    def built(self) -> Written:
        """Write the expression of the pipeline, in the body of a function."""
        names = {tuple(self.features): "columns"} if self.features else {}

        def known(value: Any) -> str | None:
            return (
                names.get(tuple(value)) if isinstance(value, list) and all(isinstance(v, str) for v in value) else None
            )

        return expression(self.pipeline, known, indent=1)

    def _constant(self, name: str, value: Any, told: str) -> None:
        """Write a constant at the top of the file."""
        self.constants[name] = (told, expression(value).text)

    def _call(self, function: Callable[..., Any]) -> str:
        """Note that a function is used, and return its name."""
        self.used.append(function)
        return function.__name__

    def _train(self) -> None:
        metric = metrics.resolve(self.record.result.get("metric"), Task(self.record.task), len(self.classes))
        fields = (metric.name, metric.scorer, metric.sign, metric.n_classes)
        given = f"{self._call(metrics.Metric)}({', '.join(map(_text, fields))}), {self.record.seed}"
        columns = ("list(computed.columns)" if self._computed else "list(X.columns)") if self.features else ""
        trained = f"{self._call(fits.train)}(build({columns}), X, y, weights, splits, {given})"
        self.lines.append(f"trained = {trained}")
        classes = ', "classes": CLASSES' if self.classes else ""
        self.lines.append("if arguments.save:")
        saved = f'{{"pipeline": trained, "columns": list(X.columns){classes}}}'
        self.lines.append(f"    joblib.dump({saved}, arguments.save)")

    def main(self) -> str:
        """Return the function of all of it."""
        optional = ', nargs="?"' if self.parameters.get("target") else ""
        lines = [
            '"""Score over the folds and on the rows held out, train on all rows, and save."""',
            "parser = argparse.ArgumentParser(description=__doc__)",
            'parser.add_argument("raw_data")',
            *([f'parser.add_argument("labels"{optional})'] if self.labelled else []),
            'parser.add_argument("--save", help="file for the trained pipeline")',
            "arguments = parser.parse_args()",
            *self.lines,
        ]
        return "\n    ".join(["def main():", *lines])


def _is(part: Any, name: str, value: str) -> bool:
    return type(part).__module__.startswith("app.") and getattr(part, name, None) == value


def _text(value: Any) -> str:
    return expression(value).text


def _named(arguments: dict[str, Any]) -> str:
    return "".join(f", {name}={_text(value)}" for name, value in arguments.items())

"""What can be said of the parameters while they are being chosen, without the data: the service's own checks."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import Fault, InvalidParameters, ServiceError, at, listed, nearest
from app.pages.training import known
from app.pages.training.fields import LABELS, Seen
from app.payloads import strict_yaml
from app.payloads.parameters import Task, TrainParameters, check
from app.pipelines.intake import check_explained
from app.pipelines.tsfresh import params as tsfresh

#: [(how a check asks for a value, how people say it)].
_SAID = (
    ("Input should be greater than or equal to", "must be at least"),
    ("Input should be less than or equal to", "must be at most"),
    ("Input should be less than", "must be less than"),
    ("Input should be", "must be"),
    ("String should have", "must have"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: in which field of the form, if in one, and what."""

    field: str
    label: str
    detail: str


def read(text: str) -> TrainParameters:
    """Read parameters, and check what can be checked without data or engines.

    Raises
    ------
    Unreadable, UploadTooLarge, InvalidParameters
    """
    parameters = check(TrainParameters, strict_yaml.loads(text.encode(), "The text"))
    _check_model(parameters)
    check_explained(parameters)
    if parameters.extract_features is not None:
        tsfresh.imputation(parameters.extract_features.impute_function)
        # A mapping is looked up among tsfresh's own calculators, which are not imported here.
        if isinstance(wanted := parameters.extract_features.default_fc_parameters, str):
            tsfresh.set_of(wanted)
    return parameters


def _check_model(parameters: TrainParameters) -> None:
    """Check the model as the registry does, by names alone."""
    model = parameters.model_training.model
    if model is None:
        return
    if model not in known.MODELS:
        fault = Fault("/params/model_training/model", f"unknown; {nearest(model, known.MODELS)}choose one of the list")
        raise InvalidParameters("The model is not one that this service trains.", [fault])
    task, asked = known.MODELS[model], parameters.task
    if task is not None and asked not in (None, task) and not (task is Task.REGRESSION and asked is Task.FORECASTING):
        detail = f"{model} is for {task}, not for {asked}; leave the task out, or choose another model"
        raise InvalidParameters("Model and task do not fit.", [Fault("/params/task", detail)])


def findings(text: str, seen: Seen) -> tuple[list[Finding], TrainParameters | None]:
    """Return what is wrong with the parameters, and these themselves where they can be read."""
    try:
        parameters = read(text)
    except ServiceError as error:
        faults = error.faults or [Fault("", error.detail)]
        return [_finding(fault) for fault in faults], None
    return [_finding(fault) for fault in _misnamed(parameters, seen)], parameters


def _finding(fault: Fault) -> Finding:
    field, label = LABELS.get(fault.pointer, ("", fault.pointer.removeprefix("/params/").replace("/", ".")))
    return Finding(field, label, _plain(fault.detail))


def _plain(detail: str) -> str:
    """Say what a value must be without what it was asked by."""
    for asked, said in _SAID:
        detail = detail.replace(asked, said)
    return detail


def _misnamed(parameters: TrainParameters, seen: Seen) -> list[Fault]:
    """Find names of columns that the files do not have."""
    if not seen.columns:
        return []
    series = parameters.extract_features
    faults = []
    if parameters.target is None and not seen.labels and parameters.task is not Task.FORECASTING:
        faults.append(Fault("/params/target", "choose a column, or a file of labels"))
    either = {*seen.columns, *seen.labels}
    target = set(seen.labels or seen.columns)
    wanted: dict[tuple[str, ...], tuple[str | None, set[str]]]
    wanted = {("target",): (parameters.target, target), ("id_column",): (parameters.id_column, set(seen.columns))}
    wanted |= {(role,): (getattr(parameters, role), either) for role in ("groups", "time", "sample_weight")}
    if series is not None:
        for role in ("column_id", "column_sort", "column_kind", "column_value"):
            wanted["extract_features", role] = (getattr(series, role), set(seen.columns))
    wanted |= {("columns", name): (name, set(seen.columns)) for name in parameters.columns}
    for steps, (name, there) in wanted.items():
        if name is not None and name not in there and not (seen.images and name == "file"):
            hint = f"{nearest(name, sorted(there))}there are {listed(sorted(there))}"
            faults.append(Fault(at("params", *steps), f"{name} is not a column; {hint}"))
    return faults

"""What the answers look like, for the OpenAPI document; a test holds real answers against it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

Label = str | bool | int | float
JSON = dict[str, Any]


class _Answer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Fault(_Answer):
    """One thing wrong with an input."""

    pointer: str
    detail: str


class Problem(_Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Fault] | None = None


class Health(_Answer):
    """Health of the process."""

    status: Literal["live", "ready"]


class TrainingResult(_Answer):
    """What a training answers."""

    modelId: int | str
    """The pipeline_id, as it was given."""
    version: int
    engine: str
    task: Literal["classification", "regression", "forecasting"]
    modelType: str
    """The final estimator, as scikit-learn prints it."""
    trainShape: list[int] = Field(min_length=2, max_length=2)
    """Rows and features that the estimator was trained on."""
    trainTime: float
    """Seconds from the start of the training."""
    featureEngParams: dict[str, str] | None
    """Feature parameters of a time series, each as text."""
    mean_cv_accuracy: float | None
    mean_cv_roc_auc: float | None
    mean_cv_r2: float | None = None
    mean_cv_rmse: float | None = None
    evaluated_models: dict[str, list[float]] | None
    """Of a search: pipeline → [operators, mean score]."""
    metrics: JSON
    """Each score's mean, standard deviation and folds."""
    metric: str
    """What the training improved."""
    holdout: JSON
    """Scores on rows that the training did not see; for classes the confusion matrix and report."""
    classes: list[Label]
    positive_class: Label | None
    seed: int
    chosen: JSON
    """What of the upload was learned from: tsfresh's set of features by its name, the number of rows that were drawn,
    and of folds that the scores are of; null for all."""
    device: str
    """On what it was trained: cpu, or cuda:0 for a GPU."""
    warnings: list[str]
    """What to know of the model and its scores: rows that are there twice, windows that overlap, fewer rows or folds
    than there are."""
    stopped: str | None
    """Why the search ended though it had more to try: time limit, candidates limit, …; null when it had not."""
    note: str | None


class Progress(_Answer):
    """Where a running training is."""

    model_config = ConfigDict(extra="allow")

    stage: str | None = None
    fraction: float | None = None
    """Of the stage: of its work where that can be counted, else of the time that it may take."""
    candidates: int | None = None
    """Tried so far, those that failed included."""
    failed: int | None = None
    best_score: float | None = None
    seconds_left: float | None = None


class JobError(_Answer):
    """Why a job ended without a model."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class Job(_Answer):
    """A training, queued, running or ended."""

    jobId: str
    state: Literal["queued", "running", "finished", "failed", "cancelled", "timed_out"]
    modelId: int | str
    model: str
    created: float
    """Seconds since 1970, as the other times."""
    started: float | None
    ended: float | None
    attempts: int
    limits: JSON
    progress: Progress
    result: TrainingResult | None
    error: JobError | None


class Jobs(RootModel[list[Job]]):
    """The latest jobs."""


class Prediction(RootModel[dict[str, dict[str, Label | None]]]):
    """`{"id": {"0": …}, "score": {"0": …}}`: what `pandas.DataFrame` takes."""


class Models(RootModel[dict[str, TrainingResult]]):
    """Each model's training."""


class LeaderboardRow(_Answer):
    """One candidate of a training."""

    rank: int
    row: int
    """Names the candidate in `PUT /models/<id>/current`."""
    name: str
    engine: str
    score: float | None
    """Mean over the folds; null when it failed."""
    fold_scores: list[float | None]
    fit_seconds: float
    """Of one fold."""
    predict_seconds: float
    """Of 1,000 rows."""
    size: int
    """Bytes."""
    error: str | None
    details: JSON
    threads: int | None = None
    """That its native code had; null for as many as there are cores."""


class VersionRecord(_Answer):
    """All that is known of one version of a model."""

    provisional: bool
    """Whether its training goes on and may replace it by a better one."""
    leaderboard: list[LeaderboardRow]
    """The candidates, the best first."""
    curves: JSON | None = None
    """On rows held out: ROC, precision and recall, calibration, gains; or residuals."""
    importances: JSON | None = None
    """Of each column, with their spread."""
    learning_curves: JSON | None = None
    """Of a network: losses and scores by epoch."""
    structure: JSON | None = None
    """The pipeline as text, as scikit-learn's HTML and as a graph."""
    pipeline_id: int | str
    version: int
    created_at: str
    job_id: str
    engine: str
    task: str
    seed: int
    result: TrainingResult
    parameters: JSON
    signature: JSON
    metrics: JSON
    holdout: JSON
    libraries: dict[str, str]
    times: dict[str, float]
    """Seconds by stage."""
    artifact: JSON
    protocol: int


class VersionSummary(_Answer):
    """One version in a list."""

    version: int
    created_at: str
    engine: str
    task: str
    metrics: JSON


class Versions(_Answer):
    """The versions of a model."""

    current: int
    versions: list[VersionSummary]


class Contribution(_Answer):
    """One column's share in a prediction."""

    feature: str
    value: Label | None
    contribution: float
    condition: str | None = None
    """LIME: the range or category that the weight belongs to."""


class Explanation(_Answer):
    """Why one row was predicted as it was."""

    id: str | int | float
    step: int | None = None
    """Of a forecast: how far ahead."""
    algorithm: str
    scale: str
    """Unit of base value, contributions and local prediction: probability, log_odds, score or value."""
    target: Label | None
    """The class explained; null for a regression."""
    prediction: float
    """What the pipeline answers: the class's probability, or the value."""
    base_value: float
    local_prediction: float
    """base_value plus all contributions, those not returned included."""
    contributions: list[Contribution]
    fidelity: float | None = None
    """LIME: R² of the local model around the row."""
    additivity_error: float | None = None
    """SHAP: how far base value and contributions miss the model's output."""


class Explanations(_Answer):
    """Explanations of one request."""

    modelId: int | str
    version: int
    method: str
    algorithm: str
    task: str
    scale: str
    """Of the first explanation, as algorithm, num_samples and background are."""
    seed: int
    num_samples: int | None
    background: int
    seconds: float
    explanations: list[Explanation]


#: The second answer of a route that `output` describes with its first.
ACCEPTED: Any = {
    202: {
        "description": "The training goes on; `Location` is its job.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
    }
}

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
    instance: str | None = None
    """The path that was asked for; left out where that was not read."""
    errors: list[Fault] | None = None


class Live(_Answer):
    """The process answers."""

    status: Literal["live"]


class Note(_Answer):
    """Something that is wrong, and what with it."""

    pointer: str
    detail: str


class Ready(_Answer):
    """Requests can be served, or some of them."""

    status: Literal["ready", "degraded"]
    notes: list[Note]


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


class ProfiledColumn(_Answer):
    """A column of an upload."""

    name: str
    kind: Literal["number", "boolean", "category", "text", "date", "image"]
    """As a training would read it."""
    missing: int
    """Of the rows that were looked at, as all counts here."""
    distinct: int | None
    least: float | str | None
    middle: float | str | None
    """The median."""
    most: float | str | None
    mean: float | None
    top: list[tuple[str, int]]
    """The most frequent values, with their counts."""
    edges: list[float]
    """Of a histogram; of dates in seconds since 1970."""
    counts: list[int]
    examples: list[str]
    notes: list[str]
    """What to look at."""


class ProfiledTarget(_Answer):
    """What is to be predicted."""

    name: str
    task: Literal["classification", "regression", "forecasting"]
    samples: int
    counts: dict[str, int]
    """Samples of each class."""
    described: ProfiledColumn | None
    """Numbers to predict."""


class Profile(_Answer):
    """What an upload holds."""

    rows: int
    looked_at: int
    """Rows that the columns are described by, drawn at random from more."""
    names: list[str]
    columns: list[ProfiledColumn]
    """The first 300."""
    images: bool
    roles: JSON | None
    """Of columns, where the table seems to be one of series."""
    target: ProfiledTarget | None
    misfit: JSON | None
    """Why the data is not as `params` say, as a problem; null where it is."""
    warnings: list[str]
    first: list[list[str | None]]
    """The first rows, as text."""
    traces: list[JSON]
    """A few series, thinned."""
    pictures: list[JSON]
    """A few images, small, as base64 text of PNG."""
    labels: list[str]
    """Columns of the labels that came apart."""


class BatchResult(_Answer):
    """What a batch prediction has written."""

    modelId: int | str
    version: int
    rows: int
    """Of the result."""
    bytes: int
    format: Literal["csv", "jsonl", "parquet", "arrow"]
    url: str
    """Where the file is: a path of this service, or the destination that was named."""


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
    metric: str | None = None
    rows: int | None = None
    """Of a batch prediction: rows of the result that are written."""
    seconds_left: float | None = None


class JobError(_Answer):
    """Why a job ended without a model."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class Job(_Answer):
    """A training or other work, queued, running or ended."""

    jobId: str
    kind: Literal["training", "explanation", "batch_prediction"]
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
    result: TrainingResult | BatchResult | Explanations | None
    error: JobError | None


class Jobs(RootModel[list[Job]]):
    """The latest jobs."""


class Key(_Answer):
    """What is known of an API key."""

    id: str
    name: str
    role: Literal["read", "predict", "train", "admin"]
    namespace: str
    created: float
    """Seconds since 1970, as the other times."""
    created_by: str
    """Id of the key that made it; empty for the command."""
    expires: float | None
    previous_until: float | None
    """Until when the text that was replaced opens too."""
    requests_per_minute: int | None
    rows_per_day: int | None


class Keys(RootModel[list[Key]]):
    """The keys that were made by command or API."""


class MadeKey(Key):
    """A key that was made or replaced just now."""

    key: str
    """Its text, which nothing keeps."""


class AuditEntry(_Answer):
    """A change, a download or a refusal."""

    time: float
    """Seconds since 1970."""
    key_id: str
    role: str
    namespace: str
    action: str
    """The part of the service that was asked."""
    method: str
    object: str
    """What of it."""
    status: int
    address: str
    request_id: str


class AuditEntries(RootModel[list[AuditEntry]]):
    """What happened, newest first."""


class Tried(_Answer):
    """A candidate that was tried."""

    name: str
    engine: str
    score: float | None
    """Mean over the folds; null when it failed."""
    fit_seconds: float
    """Of one fold."""
    error: str | None


class JobEvent(_Answer):
    """A stage that began, or a candidate that was tried."""

    time: float
    """Seconds since 1970."""
    stage: str | None = None
    candidate: Tried | None = None


class JobHistory(RootModel[list[JobEvent]]):
    """What happened in a job, oldest first."""


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
    served: bool = False
    """Whether it is what the version was made of."""


class VersionRecord(_Answer):
    """All that is known of one version of a model."""

    provisional: bool
    """Whether its training goes on and may replace it by a better one."""
    compiled: JSON
    """Which form `serves`, compiled or original; `why` the original does; how many `rows` were compared, and the
    milliseconds that either takes for one."""
    leaderboard: list[LeaderboardRow]
    """The candidates, the best first."""
    curves: JSON | None = None
    """On rows held out: `roc`, `precision_recall`, `calibration` and `gains`, lists of a curve a class against the
    rest, of two classes that of the last; or `residuals`."""
    importances: JSON | None = None
    """Of each column, with their spread."""
    learning_curves: JSON | None = None
    """Of a network: losses and scores by epoch."""
    rows_curve: JSON | None = None
    """Scores by how many rows were learned from: on rows held out, and on those rows themselves."""
    structure: JSON | None = None
    """The pipeline as text, as scikit-learn's HTML and as a graph."""
    tree: JSON | None = None
    """Of a tree, or the first of a forest: its first levels, and the paths of some rows that were held out."""
    examples: list[JSON] | None = None
    """Of series: a few as they are, of each class."""
    explainers: dict[str, str | None] | None = None
    """Of each method of explanation null where it fits, or why it does not."""
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


class Path(_Answer):
    """The way of a row through a tree."""

    id: Label
    """The value of the id column, else the row's position."""
    nodes: list[int]
    """Numbers of nodes, from the root on."""


class Paths(_Answer):
    """The ways of rows through a tree."""

    paths: list[Path]


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
    """The share of one part in a prediction: of a column, a word, a stretch of a signal, a region of an image."""

    feature: str
    """The caller's column or signal, or a feature that tsfresh computes of it."""
    value: Label | None
    """What stands there; of a word the word."""
    contribution: float
    standard_error: float | None = None
    """Of the contribution, where samples were drawn."""
    interval: list[float] | None = Field(None, min_length=2, max_length=2)
    """Of 95 %, by Student's t."""
    condition: str | None = None
    """LIME of columns: the range or category that the weight belongs to."""
    start: int | None = None
    """First character of a word, or first sample of a stretch."""
    end: int | None = None
    """Exclusive."""
    region: int | None = None
    """Number in `regions`, which has it for each pixel."""


class Rest(_Answer):
    """The contributions that are not returned."""

    features: int
    contribution: float


class _Explained(_Answer):
    """What every explanation says. Beside it stand what its method gives: curves, counterfactuals, maps, …"""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    algorithm: str
    scale: str
    """Unit of base value, contributions and local prediction: probability, log_odds, score or value."""
    num_samples: int | None
    """Rows that the model was asked for; null for exact methods."""
    background: int
    """Training rows that were compared with."""
    ended: str
    """What ended the work: exact (nothing was sampled), max_error, num_samples, repeats, deadline or exhausted."""
    target: Label | None
    """The class explained; null for numbers."""
    base_value: float | None
    contributions: list[Contribution]
    rest: Rest
    fidelity: float | None = None
    """LIME: R² of the local model around the row; 1 is as the pipeline."""
    divergence: float | None = None
    """LIME of classes: mean Kullback-Leibler divergence of its probabilities from the pipeline's; 0 is none."""
    stability: float | None = None
    """Agreement of the largest contributions over five seeds; 1 is the same ones."""
    additivity_error: float | None = None
    """SHAP and gradients: how far base value and contributions miss the model's output."""
    standard_error: float | None = None
    """The largest of the contributions."""
    added_up: list[str] | None = None
    """SHAP of trees: columns of which the trees see several inputs. Values of these are added up, which is close to the
    value of the whole column, and the same where its inputs do not work together with other columns."""


class Explanation(_Explained):
    """Why one row was predicted as it was."""

    id: str | int | float
    step: int | None = None
    """Of a forecast: how far ahead."""
    prediction: float
    """What the pipeline answers: the class's probability, or the value."""
    local_prediction: float | None
    """base_value plus all contributions, those not returned included."""


class OverallExplanation(_Explained):
    """What many rows say of a model, for one class."""

    rows: int


class Explanations(_Answer):
    """Explanations of one request; algorithm, scale and what follows them are of the first."""

    modelId: int | str
    version: int
    method: str
    algorithm: str
    task: str
    scale: str
    seed: int
    num_samples: int | None
    background: int
    ended: str
    seconds: float
    explanations: list[Explanation]
    """One a row; of SP-LIME the rows that were picked; else empty for methods over many rows."""
    overall: list[OverallExplanation]
    """Of methods over many rows: one a class that was explained."""
    left_out: list[str | int | float]
    """Ids that there was no time for; ask with `Prefer: respond-async`."""


class Explainer(_Answer):
    """A method that fits a model."""

    method: str
    scope: Literal["local", "global"]
    description: str
    needs_rows: bool
    """Whether rows must be sent; else those that are kept with the version are taken."""
    parameters: JSON
    """JSON schema of each, with its default."""


class Explainers(_Answer):
    """The methods that fit a model."""

    modelId: int | str
    version: int
    explainers: list[Explainer]
    others: dict[str, str]
    """Why each of the other methods does not fit."""


class Rows(_Answer):
    """Rows of a training that are kept with a version."""

    modelId: int | str
    version: int
    total: int
    """How many are kept."""
    rows: list[JSON]
    """{column: value}, as POST /serve_prediction takes them; an image is base64 text."""
    note: str | None
    """Why there are none."""


#: The second answer of a route that `output` describes with its first.
ACCEPTED: Any = {
    202: {
        "description": "The training goes on; `Location` is its job.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
    }
}

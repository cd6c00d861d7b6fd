"""Requests and answers of the protocols of other servers, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from app.routes.schemas import Label

Datatype = Literal[
    "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64", "BYTES"
]
Parameters = dict[str, Any]


class _Form(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class InferenceError(_Form):
    """An error of V2 and V1."""

    error: str


class MLflowError(_Form):
    """An error of MLflow's scoring server."""

    error_code: str
    message: str


class Server(_Form):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class Live(_Form):
    """The process answers."""

    live: bool


class Ready(_Form):
    """Requests can be served."""

    ready: bool


class ModelReady(Ready):
    """A model can predict."""

    name: str


class TensorMetadata(_Form):
    """One input or output of a model."""

    name: str
    datatype: Datatype
    shape: list[int]
    """-1 is any number of rows."""
    parameters: Parameters | None = None
    """Of predict_proba: `classes`, in the order of its columns."""


class Model(_Form):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InputTensor(_Form):
    """One column, or all of them."""

    name: str
    datatype: Datatype
    shape: list[int] = Field(min_length=1, max_length=2)
    """[rows], [rows, 1], or of the only input [rows, columns]."""
    data: list[Any] | None = None
    """Row by row, nested or flat; null is a missing value. Left out where `binary_data_size` tells of raw bytes."""
    parameters: Parameters | None = None
    """`binary_data_size`: its bytes behind the JSON. `content_type: base64`: how BYTES are written."""


class OutputWanted(_Form):
    """One output that is asked for."""

    name: str
    parameters: Parameters | None = None
    """`binary_data`: whether as raw bytes behind the JSON."""


class Inference(_Form):
    """A request of V2."""

    id: str | None = None
    inputs: list[InputTensor]
    outputs: list[OutputWanted] | None = None
    """All when left out."""
    parameters: Parameters | None = None
    """`binary_data_output`: whether outputs are raw bytes. To explain: `method` and what it takes."""


class OutputTensor(_Form):
    """One output."""

    name: str
    datatype: Datatype
    shape: list[int]
    data: list[Label | None] | None = None
    parameters: Parameters | None = None


class Inferred(_Form):
    """What was predicted."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class ModelNames(_Form):
    """All models."""

    models: list[str]


class VersionState(_Form):
    """A version, as TensorFlow Serving has it."""

    version: str
    state: str
    status: dict[str, str]


class ModelStatus(_Form):
    """A model, as KServe has it, and its version, as TensorFlow Serving has it."""

    name: str
    ready: bool
    model_version_status: list[VersionState]


class Instances(_Form):
    """A request of V1: `instances` or `inputs`."""

    instances: list[Any] | None = None
    """A row each: an object, or a list of values in the order of the model's columns; of one column a value."""
    inputs: dict[str, list[Any]] | list[Any] | None = None
    """{column: values}, or as instances."""
    parameters: Parameters | None = None
    """`output`: prediction, score or all. To explain: `method` and what it takes."""


class Invocation(_Form):
    """A request of MLflow: one of dataframe_split, dataframe_records, instances and inputs."""

    dataframe_split: dict[str, list[Any]] | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: list[Any] | None = None
    inputs: dict[str, list[Any]] | list[Any] | None = None
    params: Parameters | None = None
    """`output`: prediction, score or all."""


class PredictedRow(RootModel[dict[str, Label | None]]):
    """All of a prediction: id, prediction and scores."""


class Predictions(_Form):
    """What was predicted: of each row the class, number or score, or an object of all; of series always an object."""

    predictions: list[Label | PredictedRow | None]

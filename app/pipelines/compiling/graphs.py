"""What has no operations of its own, into graphs of ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.pipelines.compiled import models
from app.pipelines.compiling.compiler import kind_of
from app.pipelines.compiling.uncompiled import Uncompiled

#: How torch and Keras say that they export no such network.
_EXPORT = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, LookupError, OSError)


def of_sklearn(step: Any) -> models.Graph:
    """Return the graph of a fitted step of scikit-learn, in double precision.

    Raises
    ------
    Uncompiled
    """
    if not kind_of(step).startswith("sklearn."):
        raise Uncompiled(f"nothing compiles {type(step).__name__}")
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType

    classifies = hasattr(step, "predict_proba")
    options = {id(step): {"zipmap": False}} if classifies else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = skl2onnx.to_onnx(
                step, initial_types=[("X", DoubleTensorType([None, step.n_features_in_]))], options=options
            )
    except (RuntimeError, NotImplementedError, NameError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        # In any of these ways a converter says that it does not know such a step, or not with such arguments.
        raise Uncompiled(f"nothing compiles {type(step).__name__}") from None
    outputs = [output.name for output in graph.graph.output]
    return models.Graph(graph.SerializeToString(), outputs[-1] if classifies else outputs[0], "float64")


def of_keras(step: Any) -> models.Graph:
    """Return the graph of a fitted network, without what is done to its output afterwards.

    Raises
    ------
    Uncompiled
    """
    from app.pipelines.autokeras import backend

    network = step.network()
    with TemporaryDirectory(prefix="onnx-") as folder:
        path = Path(folder) / "network.onnx"
        try:
            with backend.quiet(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                network.export(path, format="onnx", verbose=False)
        except _EXPORT as error:
            raise Uncompiled(f"torch exports no such network ({type(error).__name__})") from None
        data = path.read_bytes()
    import onnx

    graph = onnx.load_from_string(data)
    kinds = {onnx.TensorProto.INT32: "int32", onnx.TensorProto.FLOAT: "float32"}
    taken = graph.graph.input[0].type.tensor_type
    if kinds[taken.elem_type] == "int32":
        # Many networks of texts answer the same of shorter inputs, which are not filled up to the end; explainers try.
        taken.shape.dim[1].dim_param = "words"
        data = graph.SerializeToString()
    return models.Graph(data, graph.graph.output[0].name, kinds[taken.elem_type])

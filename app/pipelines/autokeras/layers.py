"""What a stored network may be made of: the list is ours, and is never read from the file itself.

Keras makes whatever class a file names. Its own safe mode refuses code of Python only; what of Keras itself reads files
or runs functions is left out here.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from app.errors import Unreadable
from app.payloads import strict_json
from app.pipelines.formats import Refused

#: Files of a `.keras` archive.
_FILES = frozenset({"config.json", "metadata.json", "model.weights.h5"})

#: Bytes that its description of the network may unfold to; that of the largest has hundreds of kilobytes.
_LONGEST = 16 * 2**20

#: Classes that AutoKeras's blocks and heads, and this engine, build networks of. To add one, see that it does nothing
#: but compute when it is built of its configuration.
LAYERS = frozenset(
    {
        # The network itself, and the numbers between its layers.
        "Functional", "InputLayer", "DTypePolicy", "__keras_tensor__", "__tuple__", "slice",
        # Layers.
        "Activation", "Add", "AveragePooling2D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D",
        "Conv2D", "Dense", "DepthwiseConv2D", "Dropout", "Embedding", "Flatten", "GRU", "GRUCell",
        "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "LSTM",
        "LSTMCell", "MaxPooling1D", "MaxPooling2D", "Multiply", "Normalization", "RandomContrast", "RandomFlip",
        "RandomRotation", "RandomTranslation", "RandomZoom", "ReLU", "Rescaling", "Reshape", "Resizing",
        "SeparableConv1D", "SeparableConv2D", "Sigmoid", "Softmax", "ZeroPadding2D",
        # What numbers begin with.
        "GlorotUniform", "HeNormal", "HeUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomUniform",
        "VarianceScaling", "Zeros",
        # How it was trained.
        "Adam", "AdamW", "SGD", "PolynomialDecay", "ExponentialDecay", "BinaryCrossentropy", "CategoricalCrossentropy",
        "MeanSquaredError",
    }
)  # fmt: skip

#: What zipfile raises of bytes that are no archive.
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, KeyError)


def check(content: bytes) -> None:
    """Look at the bytes of a `.keras` file before Keras does.

    Raises
    ------
    Refused
        Other files are in it, or it names a class that is not in the list.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            named = {entry.filename: entry.file_size for entry in archive.infolist()}
            if len(named) < len(archive.infolist()) or named.keys() != _FILES or named["config.json"] > _LONGEST:
                raise Refused("a stored network has other files than Keras writes")
            described = strict_json.loads(archive.read("config.json"), "config.json")
    except (*_BROKEN, Unreadable) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("a stored network cannot be read") from error
    for entry in _made(described):
        name, module = entry["class_name"], entry.get("module")
        ours = isinstance(name, str) and name in LAYERS and entry.get("registered_name") in (None, name)
        if not ours or not (module is None or str(module).split(".")[0] in ("keras", "builtins")):
            raise Refused("a stored network has a layer that no network of this service has")


def _made(value: Any) -> Iterator[dict[str, Any]]:
    """Yield everything of a description that a class is made of."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for member in value.values():
            yield from _made(member)
    elif isinstance(value, list):
        for member in value:
            yield from _made(member)

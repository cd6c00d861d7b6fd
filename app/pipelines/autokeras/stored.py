"""A Keras model as bytes and back, and what it answers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from app.pipelines.autokeras import backend, layers

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: {form: ending of a file's name}. Keras's own, and the older one of HDF5.
FORMS = {"keras": ".keras", "h5": ".h5"}

#: Rows that go through a network at once.
_BATCH = 256


def dump(model: Any, form: str = "keras") -> bytes:
    """Return a model as the bytes of a file."""
    # Keras writes to paths alone.
    with TemporaryDirectory(prefix="keras-") as folder:
        path = Path(folder) / f"model{FORMS[form]}"
        with backend.quiet():
            model.save(path)
        return path.read_bytes()


def load(content: bytes) -> Any:
    """Return the model of `.keras` bytes. It needs Keras alone, and runs on a GPU where there is one.

    Raises
    ------
    Refused
        It is made of anything but what this engine builds networks of.
    """
    layers.check(content)
    keras = backend.keras()
    with TemporaryDirectory(prefix="keras-") as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        with backend.quiet():
            return keras.saving.load_model(path, compile=False, safe_mode=True, custom_objects={})


def answer(model: Any, inputs: Array) -> Array:
    """Return the output of a model, float64 of shape (n_samples, n_outputs). May be called by many threads at once.

    Not `Model.predict`: that makes a data loader and a progress bar for one row, which take longer than the network.
    """
    import numpy as np
    import torch

    with torch.no_grad():
        parts = [
            model(inputs[first : first + _BATCH], training=False).cpu().numpy()
            for first in range(0, len(inputs), _BATCH)
        ]
    return np.concatenate(parts).astype("float64")


def device(model: Any) -> str:
    """Return where a model's numbers are: cpu, cuda:0, …"""
    return str(model.weights[0].value.device)

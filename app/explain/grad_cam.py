"""Grad-CAM (Selvaraju et al. 2017): where in an image a network's last convolution saw what speaks for a class.

It weighs each map of the convolution by its mean slope, which is right where their means are all that comes after. A
network that reads the maps place by place may have no such map that speaks for a class; slopes and maps are then
multiplied place by place (HiResCAM, Draelos & Carin 2020), and the algorithm says so.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from app.explain.base import Asked, Case, Subject
from app.explain.found import Local
from app.explain.parts.superpixels import mean_image, png, seen
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Share of the greatest value from which on a place counts as marked.
_MARKED = 0.5

_CONVOLUTIONS = {"Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose"}


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Explain one image by a map from 0 to 1 of its height and width, as the model sees it.

    `drop` in its trust is by how much the prediction falls when what the map marks looks as images of training do there
    on average: above 0 where the map has found what the model looks at.
    """
    import numpy as np

    network = subject.network
    assert network is not None
    assert subject.images is not None
    inputs = network.inputs(case.row)
    watched: Watched = subject.once("watched", lambda: Watched(network.copy()))
    found, algorithm = watched.heat(inputs, asked.output, subject.task is Task.CLASSIFICATION)
    scaled = _resized(found, inputs.shape[1:3])
    pixels = seen(subject, case.row)[0]
    return Local(
        trust={"drop": _drop(subject, case, asked, pixels, scaled)},
        algorithm=algorithm,
        scale="share",
        details={"map": np.round(scaled, 4).tolist(), "image": pixels.tolist()},
    )


def last_convolution(model: Any) -> Any:
    """Return the last layer that convolves an image, of models inside models too; None where there is none."""
    found = None
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found = last_convolution(layer) or found
        elif type(layer).__name__ in _CONVOLUTIONS:
            found = layer
    return found


class Watched:
    """A network whose last convolution is watched.

    Parameters
    ----------
    model
        A copy that nobody else uses: it is changed.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._maps = model, None
        self._lock = Lock()
        layer = last_convolution(model)
        original = layer.call

        def call(*arguments: Any, **named: Any) -> Any:
            self._maps = original(*arguments, **named)
            return self._maps

        layer.call = call
        _without_activation(model)

    def heat(self, inputs: Array, output: int, classes: bool = True) -> tuple[Array, str]:
        """Return the map of one image, from 0 to 1, of the convolution's height and width, and the algorithm.

        Parameters
        ----------
        inputs
            Shape (1, height, width, channels).
        """
        import torch

        # What the convolution gave is kept until it is read.
        with self._lock, torch.enable_grad():
            answered = self._model(torch.tensor(inputs, requires_grad=True), training=False)
            if answered.shape[1] > 1 or not classes:
                chosen = answered[0, output]
            else:
                chosen = answered[0, 0] if output else -answered[0, 0]
            kept: Any = self._maps
            (slopes,) = torch.autograd.grad(chosen, kept)
            maps, slopes = kept.detach()[0], slopes[0]
        algorithm, found = "grad_cam", torch.relu((maps * slopes.mean(dim=(0, 1))).sum(dim=-1))
        if not found.any():
            algorithm, found = "hires_cam", torch.relu((maps * slopes).sum(dim=-1))
        heat: Array = found.cpu().numpy().astype("float64")
        return (heat / heat.max() if heat.any() else heat), algorithm


def _without_activation(model: Any) -> None:
    """Let a model give what it has before its last activation, which has no slope where a class is all but certain.

    Its softmax or sigmoid is a layer of its own or belongs to the last dense one.
    """
    last = model.layers[-1]
    if hasattr(last, "layers"):
        _without_activation(last)
    elif type(last).__name__ in ("Softmax", "Activation"):
        last.call = lambda inputs, *_, **__: inputs
    elif getattr(getattr(last, "activation", None), "__name__", "") in ("softmax", "sigmoid"):
        last.activation = lambda inputs: inputs


def _resized(found: Array, size: tuple[int, ...]) -> Array:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(found.astype("float32")).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype="float64").clip(0, 1)


def _drop(subject: Subject, case: Case, asked: Asked, pixels: Array, scaled: Array) -> float:
    import numpy as np
    import pandas as pd

    hidden = np.where((scaled > _MARKED)[:, :, None], mean_image(subject), pixels)
    images = pd.Series([png(pixels), png(hidden)], dtype="object")
    answers = subject.predict(pd.DataFrame({case.row.columns[0]: images}))[:, asked.output]
    return float(answers[0] - answers[1])

"""Grad-CAM (Selvaraju et al. 2017): where in an image a network's last convolution saw what speaks for a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.explain.base import Asked, Case, Local, Subject
from app.explain.parts.superpixels import mean_image, png, seen

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
    found = heat(network.copy(), inputs, asked.output, subject.task.value == "classification")
    scaled = _resized(found, inputs.shape[1:3])
    pixels = seen(subject, case.row)[0]
    return Local(
        trust={"drop": _drop(subject, case, asked, pixels, scaled)},
        algorithm="grad_cam",
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


def heat(model: Any, inputs: Array, output: int, classes: bool = True) -> Array:
    """Return the map of one image, from 0 to 1, of the convolution's height and width.

    Parameters
    ----------
    model
        A copy that nobody else uses: it is changed.
    inputs
        Shape (1, height, width, channels).
    """
    import torch

    layer = last_convolution(model)
    kept: dict[str, Any] = {}
    original = layer.call

    def call(*arguments: Any, **named: Any) -> Any:
        kept["maps"] = original(*arguments, **named)
        kept["maps"].retain_grad()
        return kept["maps"]

    layer.call = call
    _without_activation(model)
    with torch.enable_grad():
        answered = model(torch.tensor(inputs, requires_grad=True), training=False)
        if answered.shape[1] > 1 or not classes:
            chosen = answered[0, output]
        else:
            chosen = answered[0, 0] if output else -answered[0, 0]
        chosen.backward()
    maps, gradients = kept["maps"].detach()[0], kept["maps"].grad[0]
    weights = gradients.mean(dim=(0, 1))
    found: Array = torch.relu((maps * weights).sum(dim=-1)).cpu().numpy().astype("float64")
    return found / found.max() if found.max() > 0 else found


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

"""One network's training: which rows it holds back, and when it ends."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from app.pipelines.autokeras import backend
from app.pipelines.processes import cores

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Rows below which none are held back.
_FEWEST = 10


def split(rows: int, strata: Array | None, fraction: float, seed: int) -> tuple[Array, Array]:
    """Return the rows to learn from and those held back, each class in its share where there is enough of it.

    Of fewer than ten rows none are held back: there would be too few to learn from.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    if rows < _FEWEST or fraction == 0:
        return np.arange(rows), np.arange(0)
    held = max(1, round(fraction * rows))
    if strata is not None:
        counts = np.unique(strata, return_counts=True)[1]
        if counts.min() < 2 or min(held, rows - held) < len(counts):
            strata = None
    seen, unseen = train_test_split(np.arange(rows), test_size=held, stratify=strata, random_state=seed)
    return np.sort(seen), np.sort(unseen)


def train(
    model: Any,
    x: Array,
    y: Array,
    weights: Array | None,
    rows: tuple[Array, Array],
    batch_size: int,
    epochs: int,
    patience: int,
    deadline: float,
) -> dict[str, list[float]]:
    """Train a compiled model until it does not get better, and leave it with the weights of its best epoch.

    Parameters
    ----------
    rows
        Those to learn from and those held back. Where there are none of these, all epochs are trained.
    deadline
        Of the monotonic clock; then the training ends, within an epoch too.

    Returns
    -------
    {name: [one an epoch]}.

    Raises
    ------
    ValueError
        The loss is not a number.
    """
    keras = backend.keras()
    # Convolutions over images are large enough to be shared, among half of the cores: others work beside.
    backend.use_cores(max(1, cores() // 2) if x.ndim == 4 else 1)
    from autokeras.utils.utils import fit_with_adaptive_batch_size

    seen, unseen = rows
    for layer in model.layers:
        # In all of AutoKeras's blocks it is the first layer; it learns from the rows that are learned from.
        if isinstance(layer, keras.layers.Normalization):
            layer.adapt(x[seen])
    held = (x[unseen], y[unseen]) if weights is None else (x[unseen], y[unseen], weights[unseen])
    until_best = [keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)]
    _, history = fit_with_adaptive_batch_size(
        model,
        batch_size,
        x=x[seen],
        y=y[seen],
        sample_weight=None if weights is None else weights[seen],
        validation_data=held if len(unseen) else None,
        epochs=epochs,
        callbacks=[*(until_best if len(unseen) else []), _until(deadline)],
        verbose=0,
    )
    backend.use_cores(1)
    found = {name: [float(value) for value in values] for name, values in history.history.items()}
    if not (any(map(math.isfinite, found["val_loss"])) if len(unseen) else math.isfinite(found["loss"][-1])):
        raise ValueError("its training diverged: the loss is not a number")
    return found


def _until(deadline: float) -> Any:
    keras = backend.keras()

    class Until(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        """Ends a training after the batch at the deadline, whose epoch counts as far as it came, or once it diverged.

        Keras's own `TerminateOnNaN` fails on the numbers of a GPU.
        """

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if time.monotonic() > deadline:
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not math.isfinite(logs["loss"]):
                self.model.stop_training = True

    return Until()

"""What a neural network of found hyperparameters is as scikit-learn's estimator. What it keeps is plain data."""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from app.pipelines.autokeras import backend, inputs, layers, spaces, starts, stored, training

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Only one thread loads a model; the others wait for it.
_LOADING = Lock()


class Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifier and regressor have in common.

    Parameters
    ----------
    kind
        table, image, text or series.
    hyperparameters
        Of AutoKeras, as a search found them; None for those that a search begins with.
    epochs
        At most.
    batch_size
        Rows of one step; halved when a GPU has no memory for them.
    patience
        Epochs without a smaller loss on the rows held back after which the fit ends. The best epoch's weights are kept.
    validation_fraction
        Share of the rows that the fit holds back to see when it is done; 0.2 is AutoKeras's own. With 0 it learns from
        all rows, for all of the epochs.
    held_back
        Positions of the rows to learn from and of those held back, instead of a share at random.
    size
        Height, width and channels to which images are brought.
    block_type
        Architecture for images: vanilla, resnet, xception or efficient; None for the one of `hyperparameters`.
    max_model_size
        Weights that a network may have.
    seconds
        Wall time after which the fit ends with the best epoch so far; None for no limit.

    Attributes
    ----------
    model_ : bytes
        The network, a `.keras` file that Keras alone can load.
    inputs_
        What `inputs.encode` needs to know, as JSON has it.
    hyperparameters_
        Those that the network was built of.
    history_
        {name: [one an epoch]}: loss and metric, and those of the rows held back with `val_` before their names.
    cut_
        Whether `seconds` ended the fit.
    n_weights_
        Numbers that were learned.
    device_
        Where it was trained: cpu, cuda:0.
    """

    def __init__(
        self,
        kind: str = "table",
        hyperparameters: dict[str, Any] | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        patience: int = 10,
        validation_fraction: float = 0.2,
        held_back: tuple[Array, Array] | None = None,
        size: tuple[int, int, int] = (32, 32, 3),
        block_type: str | None = None,
        max_model_size: int | None = None,
        seconds: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.kind = kind
        self.hyperparameters = hyperparameters
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.held_back = held_back
        self.size = size
        self.block_type = block_type
        self.max_model_size = max_model_size
        self.seconds = seconds
        self.random_state = random_state

    def _fit(self, X: pd.DataFrame, targets: Array, strata: Array | None, weights: Array | None) -> None:
        """Train on targets of shape (n_samples, n_outputs), of which classes have as many as there are, or one of two.

        Raises
        ------
        ValueError
            The training diverged, the network is too large, or is not what it was once it is stored.
        """
        import numpy as np

        deadline = math.inf if self.seconds is None else time.monotonic() + self.seconds
        backend.autokeras()
        X = inputs.framed(X)
        if weights is not None and weights.any():
            # A step's length must not depend on the unit of the weights.
            weights = weights / weights.mean()
        start = dict(starts.STARTS[self.kind] if self.hyperparameters is None else self.hyperparameters)
        self.inputs_ = inputs.learn(self.kind, X, self.size, spaces.words(start))
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.asarray(X.columns, dtype="object")
        encoded = self.encode(X)
        try:
            with backend.quiet():
                self._train(encoded, targets, strata, weights, start, deadline)
        except RuntimeError as error:
            # So torch says that there is no memory, or that shapes do not fit.
            raise ValueError(str(error)) from error

    def _train(
        self,
        encoded: Array,
        targets: Array,
        strata: Array | None,
        weights: Array | None,
        start: dict[str, Any],
        deadline: float,
    ) -> None:
        import numpy as np

        split = self.held_back or training.split(len(encoded), strata, self.validation_fraction, self.random_state)
        n_classes = max(2, targets.shape[1]) if strata is not None else 0
        steps = math.ceil(len(split[0]) / self.batch_size)
        model, built = spaces.build(
            self.kind, start, encoded.shape[1:], n_classes, steps, self.epochs, self.block_type, self.random_state
        )
        self.hyperparameters_ = spaces.active(built)
        self.n_weights_ = model.count_params()
        if self.max_model_size is not None and self.n_weights_ > self.max_model_size:
            raise ValueError(f"it has {self.n_weights_} weights, more than max_model_size")
        self.history_ = training.train(
            model, encoded, targets, weights, split, self.batch_size, self.epochs, self.patience, deadline
        )
        self.cut_ = time.monotonic() > deadline
        self.device_ = stored.device(model)
        # Without its optimizer, which would triple it.
        trained = backend.keras().Model(model.inputs[0], model.outputs[0])
        self.model_ = stored.dump(trained)
        self._live = stored.load(self.model_)
        some = encoded[: 4 * self.batch_size]
        if not np.allclose(stored.answer(self._live, some), stored.answer(trained, some), rtol=1e-4, atol=1e-5):
            raise ValueError("once stored, the network predicts other values than before")

    def _answer(self, X: pd.DataFrame) -> Array:
        check_is_fitted(self)
        try:
            return stored.answer(self.network(), self.encode(X))
        except RuntimeError as error:
            # As in a fit.
            raise ValueError(str(error)) from error

    def network(self) -> Any:
        """Return the live network, loaded at the first prediction and never again."""
        live = getattr(self, "_live", None)
        if live is not None:
            return live
        with _LOADING:
            if getattr(self, "_live", None) is None:
                self._live = stored.load(self.model_)
        return self._live

    def export(self, form: str) -> bytes:
        """Return the fitted network as a file of Keras: `keras`, or `h5`. It takes what `inputs.encode` makes."""
        check_is_fitted(self)
        return stored.dump(self._exported(self.network()), form)

    def encode(self, X: pd.DataFrame) -> Array:
        """Return what the network takes of rows."""
        return inputs.encode(self.inputs_, inputs.columns_of(X))

    def copied(self) -> Any:
        """Return a live network that nobody else uses, with the outputs of one that is exported."""
        check_is_fitted(self)
        return self._exported(stored.load(self.model_))

    def _exported(self, network: Any) -> Any:
        """Return what is exported of a network."""
        return network

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_live"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            # Before anybody asks for it: what is not ours is refused with the pipeline that it stands in.
            layers.check(state["model_"])
        super().__setstate__(state)

"""The networks among which a search looks: AutoKeras's blocks, put together for tables, images, texts and series.

AutoKeras's own models (`StructuredDataClassifier` and so on) are not used as they are, for what was measured of 3.0.0
with Keras 3.15: they hand numpy's integers to layers that refuse them; split off the last rows, unshuffled; reload the
network from a folder at every prediction; and put a layer of their own in, which Keras alone cannot load. Their blocks,
heads, hyperparameters and oracle are all here.
"""

from __future__ import annotations

from typing import Any

from app.pipelines.autokeras import backend, starts

#: {kind: shape of one row} by which hyperparameters are listed; which there are does not depend on it.
_ANY_SHAPE = {"table": (1,), "image": (32, 32, 3), "text": (20,), "series": (50, 1)}


def words(hyperparameters: dict[str, Any]) -> int:
    """Return the size of the vocabulary; AutoKeras sizes the embedding by it, and always reads 500 words."""
    return int(hyperparameters.get("text_block_1/max_tokens", 500))


def build(
    kind: str,
    hyperparameters: dict[str, Any],
    shape: tuple[int, ...],
    n_classes: int,
    steps: int,
    epochs: int,
    block_type: str | None = None,
    seed: int = 0,
) -> tuple[Any, Any]:
    """Return an untrained, compiled Keras model and the keras-tuner HyperParameters that it was built of.

    Seeds the generators of Python, numpy and torch: Keras draws from those.

    Parameters
    ----------
    hyperparameters
        Those that are not named get AutoKeras's defaults.
    shape
        Of one row of the input.
    n_classes
        0 for a regression.
    steps
        Batches in an epoch, by which a learning rate may decay.
    block_type
        The architecture for images; None to choose among all.
    """
    keras, autokeras = backend.keras(), backend.autokeras()
    from autokeras.graph import Graph
    from keras_tuner import HyperParameters

    # Blocks are named by a counter, and hyperparameters by their blocks.
    keras.backend.clear_session()
    # What clears the counter forgets the seed too.
    keras.utils.set_random_seed(seed)
    node = _input(kind, shape)
    inner = _blocks(kind, node, block_type)
    if n_classes:
        head = autokeras.ClassificationHead(num_classes=n_classes, name="head")
    else:
        head = autokeras.RegressionHead(name="head")
    outputs = head(inner)
    head.shape = (n_classes if n_classes > 2 else 1,)
    graph = Graph(inputs=node, outputs=outputs)
    # What `adam_weight_decay` takes the length of its decay from. AutoKeras takes all rows for one batch, so that its
    # learning rate is 0 after a few epochs.
    node.num_samples, node.batch_size = steps, 1
    graph.set_fit_args(0, epochs=epochs)
    found = HyperParameters()
    found.values = dict(hyperparameters)
    built = graph.build(found)
    # AutoKeras's own has lists of one input and one output, of which Keras warns at every call.
    model = keras.Model(built.inputs[0], built.outputs[0])
    model.compile(optimizer=built.optimizer, loss=head.loss, metrics=["accuracy"] if n_classes else [])
    return model, found


def space(kind: str, n_classes: int, block_type: str | None, hyperparameters: dict[str, Any] | None = None) -> Any:
    """Return the keras-tuner HyperParameters of a network, all that it was built of.

    Without any, those of the first network, so that a search knows of others even where that one fails.
    """
    wanted = starts.STARTS[kind] if hyperparameters is None else hyperparameters
    with backend.quiet():
        return build(kind, wanted, _ANY_SHAPE[kind], n_classes, 1, 1, block_type)[1]


def active(found: Any) -> dict[str, Any]:
    """Return the values of the hyperparameters that a network was built of; others are leftovers of a search."""
    return {item.name: found.values[item.name] for item in found.space if found.is_active(item)}


def _input(kind: str, shape: tuple[int, ...]) -> Any:
    autokeras = backend.autokeras()

    class Numbers(autokeras.StructuredDataInput if kind == "table" else autokeras.Input):  # type: ignore[misc]
        """Takes the input as it is: AutoKeras's own puts a layer of its own before it."""

        def build(self, hp: Any, inputs: Any = None) -> Any:
            return inputs

    node = autokeras.TextInput() if kind == "text" else Numbers()
    node.shape, node.dtype = shape, "int32" if kind == "text" else "float32"
    return node


def _blocks(kind: str, node: Any, block_type: str | None) -> Any:
    autokeras = backend.autokeras()
    if kind == "table":
        return autokeras.StructuredDataBlock()(node)
    if kind == "text":
        return autokeras.TextBlock()(node)
    if kind == "series":
        # A recurrent layer has as many units as there are signals: of one signal it could learn nothing. The
        # convolutions before it give it more, and fewer steps to go.
        return autokeras.RNNBlock()(autokeras.ConvBlock()(node))
    return _untrained_images()(block_type=block_type, name="image_block_1")(node)


def _untrained_images() -> Any:
    """Return AutoKeras's block for images without its weights from ImageNet: a training downloads nothing."""
    autokeras = backend.autokeras()

    class ImageBlock(autokeras.ImageBlock):  # type: ignore[misc, name-defined]
        def _build_block(self, hp: Any, output_node: Any, block_type: str) -> Any:
            if block_type == "vanilla":
                return autokeras.ConvBlock().build(hp, output_node)
            kinds = {
                "resnet": autokeras.ResNetBlock,
                "xception": autokeras.XceptionBlock,
                "efficient": autokeras.EfficientNetBlock,
            }
            return kinds[block_type](pretrained=False).build(hp, output_node)

    return ImageBlock

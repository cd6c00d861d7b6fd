"""The hyperparameters that a search begins with, and a network that nobody searched."""

from __future__ import annotations

from typing import Any

#: {what is looked at: hyperparameters of the first network that is tried}. AutoKeras's own first ones, but for texts,
#: where its learning rate is one for a network that has been trained before, and series, where it has none.
STARTS: dict[str, dict[str, Any]] = {
    "table": {
        "structured_data_block_1/normalize": True,
        "structured_data_block_1/dense_block_1/num_layers": 2,
        "structured_data_block_1/dense_block_1/use_batchnorm": False,
        "structured_data_block_1/dense_block_1/dropout": 0.0,
        "structured_data_block_1/dense_block_1/units_0": 32,
        "structured_data_block_1/dense_block_1/units_1": 32,
    },
    "image": {
        "image_block_1/block_type": "vanilla",
        "image_block_1/normalize": True,
        "image_block_1/augment": False,
        "image_block_1/conv_block_1/kernel_size": 3,
        "image_block_1/conv_block_1/num_blocks": 1,
        "image_block_1/conv_block_1/num_layers": 2,
        "image_block_1/conv_block_1/max_pooling": True,
        "image_block_1/conv_block_1/separable": False,
        "image_block_1/conv_block_1/dropout": 0.25,
        "image_block_1/conv_block_1/filters_0_0": 32,
        "image_block_1/conv_block_1/filters_0_1": 64,
        "head/dropout": 0.5,
    },
    "text": {
        "text_block_1/max_tokens": 5000,
        "text_block_1/embedding_1/embedding_dim": 32,
        "text_block_1/embedding_1/dropout": 0.25,
        "text_block_1/conv_block_1/kernel_size": 3,
        "text_block_1/conv_block_1/separable": False,
        "text_block_1/conv_block_1/max_pooling": True,
        "text_block_1/conv_block_1/num_blocks": 1,
        "text_block_1/conv_block_1/num_layers": 1,
        "text_block_1/conv_block_1/filters_0_0": 32,
        "text_block_1/conv_block_1/dropout": 0.0,
        "text_block_1/spatial_reduction_1/reduction_type": "global_max",
        "text_block_1/dense_block_1/use_batchnorm": False,
        "text_block_1/dense_block_1/num_layers": 1,
        "text_block_1/dense_block_1/units_0": 32,
        "text_block_1/dense_block_1/dropout": 0.0,
    },
    "series": {
        "conv_block_1/kernel_size": 3,
        "conv_block_1/separable": False,
        "conv_block_1/max_pooling": True,
        "conv_block_1/num_blocks": 2,
        "conv_block_1/num_layers": 1,
        "conv_block_1/filters_0_0": 32,
        "conv_block_1/filters_1_0": 32,
        "conv_block_1/dropout": 0.0,
        "rnn_block_1/bidirectional": True,
        "rnn_block_1/num_layers": 1,
        "rnn_block_1/layer_type": "gru",
    },
}
for _start in STARTS.values():
    _start.update({"head/dropout": _start.get("head/dropout", 0.0), "optimizer": "adam", "learning_rate": 1e-3})

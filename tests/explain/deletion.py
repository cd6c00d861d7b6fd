"""What a model answers as the parts of a row go, or come back, one after another."""

from __future__ import annotations

import numpy as np
import pandas as pd


def areas(answers, orders):
    """Return the areas under the curves of deletion and insertion, shape (n_orders, 2).

    Parameters
    ----------
    answers
        From masks, shape (n_masks, n_parts), to what is answered with the parts that are kept, (n_masks,).
    orders
        Parts, shape (n_orders, n_parts): the first one goes, and comes, first.
    """
    n_orders, n_parts = np.shape(orders)
    when = np.argsort(orders, axis=1)[:, None]
    steps = np.arange(n_parts + 1)[:, None]
    masks = np.stack([when >= steps, when < steps], axis=1)
    told = answers(masks.reshape(-1, n_parts)).reshape(n_orders, 2, n_parts + 1)
    return np.trapezoid(told, dx=1 / n_parts, axis=2)


def of_columns(subject, row, output):
    """Return what answers for columns of numbers; one that is gone is the mean of the background."""
    own, mean = row.to_numpy(), subject.background.mean().to_numpy()

    def answers(masks):
        return subject.predict(pd.DataFrame(np.where(masks, own, mean), columns=row.columns))[:, output]

    return answers


def of_parts(masked, output):
    """Return what answers for words, regions or stretches."""
    return lambda masks: masked.answers(masks)[:, output]

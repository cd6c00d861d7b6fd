"""Forests of small trees, many rows at once.

A library walks down each tree for each row. Here all trees are asked together: each node whose test fails rules out
the leaves on its left, and the first leaf that nothing rules out is where the row ends. Which leaves the tests of one
column rule out depends on the place of its value among all thresholds alone, so it is known before any row comes.

References
----------
Lucchese et al. (2015), QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees.
SIGIR, which takes the tests one after another in the order of their thresholds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Leaves of a tree, a bit each, all of these bits, and bytes of such a word.
_LEAVES, _ALL, _WORD = 64, 2**64 - 1, 8

#: Bytes of what is known before, which is for each threshold a word a tree.
_MOST = 8 << 20

#: Rows at a time, so that what they are looked up in and their words stay near the processor.
_TOGETHER = 256

#: How treelite numbers a test that holds where the value is at most the threshold.
_AT_MOST = 3

#: What treelite makes of the sums of leaves: nothing, of targets and of probabilities.
_AS_IT_IS = {"identity", "identity_multiclass"}


@dataclass(frozen=True)
class SmallTrees:
    """A forest whose answer is the mean of its trees'.

    Attributes
    ----------
    tests
        For each column that is tested its place, its thresholds in order, shape (n_thresholds,), and the leaves that
        are left by how many of these are below a value, uint64 of shape (n_thresholds + 1, n_trees).
    first
        Where the leaves of each tree begin in `answers`, shape (n_trees, 1).
    answers
        Of all leaves, shape (n_leaves, n_outputs).
    """

    tests: tuple[tuple[int, Array, Array], ...]
    first: Array
    answers: Array

    @classmethod
    def of(cls, model: Any) -> Self | None:
        """Take a model of treelite apart; None where it is no such forest, or too large."""
        import numpy as np

        head = model.get_header_accessor()
        if not head.get_field("average_tree_output")[0] or head.get_field("postprocessor") not in _AS_IT_IS:
            return None
        if (
            model.output_type != "float64"
            or head.get_field("num_target")[0] != 1
            or head.get_field("base_scores").any()
        ):
            return None
        trees = [_Tree.of(model.get_tree_accessor(number)) for number in range(model.num_tree)]
        whole = [tree for tree in trees if tree is not None]
        tests = sum(len(tree.tests) for tree in whole)
        if len(whole) < len(trees) or (tests + model.num_feature) * len(trees) * _WORD > _MOST:
            return None
        counts = np.array([len(tree.answers) for tree in whole])
        answers = np.concatenate([tree.answers for tree in whole])
        if answers.shape[1] != head.get_field("num_class")[0]:
            return None
        return cls(_by_column(whole), (np.cumsum(counts) - counts)[:, None], answers)

    def __call__(self, X: Array) -> Array:
        """Return the answers for X of shape (n_samples, n_inputs), without missing values."""
        import numpy as np

        found = np.empty((len(X), self.answers.shape[1]))
        for begin in range(0, len(X), _TOGETHER):
            some = X[begin : begin + _TOGETHER]
            left = np.full((len(some), len(self.first)), _ALL, "uint64")
            for column, thresholds, known in self.tests:
                # Whole rows: ten times as fast as an index of the array.
                left &= known.take(thresholds.searchsorted(some[:, column]), axis=0)
            # The bits below the lowest that is set are as many as the leaves before it.
            place = np.bitwise_count((left & -left) - np.uint64(1))
            found[begin : begin + _TOGETHER] = _sum(self.answers.take(self.first + place.T, axis=0))
        return found / len(self.first)


def _sum(answers: Array) -> Array:
    """Add up answers of shape (n_trees, n_samples, n_outputs), one tree after another, as scikit-learn does."""
    # NumPy adds up in pairs what is nothing but one row of numbers.
    total: Array = answers.cumsum(axis=0)[-1] if answers[0].size == 1 else answers.sum(axis=0)
    return total


@dataclass(frozen=True)
class _Tree:
    """A tree, as far as it is needed.

    Attributes
    ----------
    answers
        Of its leaves from left to right, shape (n_leaves, n_outputs).
    tests
        The column and the threshold of each test, and a word of the leaves that are left where it fails.
    """

    answers: Array
    tests: list[tuple[int, float, int]]

    @classmethod
    def of(cls, told: Any) -> Self | None:
        """Read a tree of treelite; None where it has tests of another kind, or too many leaves."""
        names = ("cleft", "cright", "split_index", "threshold", "cmp")
        left, right, columns, thresholds, kinds = (told.get_field(name).tolist() for name in names)
        inner = [node for node, child in enumerate(left) if child >= 0]
        if len(inner) >= _LEAVES or any(kinds[node] != _AT_MOST for node in inner):
            return None
        leaves: list[int] = []
        tests: list[tuple[int, float, int]] = []

        def walk(node: int) -> None:
            if left[node] < 0:
                leaves.append(node)
                return
            begin = len(leaves)
            walk(left[node])
            tests.append((columns[node], thresholds[node], _ALL ^ ((1 << len(leaves)) - (1 << begin))))
            walk(right[node])

        walk(0)
        return cls(_answers(told, leaves), tests)


def _answers(told: Any, leaves: list[int]) -> Array:
    """Return what leaves of a tree answer, shape (n_leaves, n_outputs)."""
    import numpy as np

    values, vectors = told.get_field("leaf_value"), told.get_field("leaf_vector")
    if not len(vectors):
        return np.array(values[leaves])[:, None]
    begins, ends = told.get_field("leaf_vector_begin").tolist(), told.get_field("leaf_vector_end").tolist()
    return np.stack([vectors[begins[leaf] : ends[leaf]] for leaf in leaves])


def _by_column(trees: list[_Tree]) -> tuple[tuple[int, Array, Array], ...]:
    """Return the tests of each column, as `SmallTrees` has them."""
    import numpy as np

    by_column = defaultdict(list)
    for number, tree in enumerate(trees):
        for column, threshold, word in tree.tests:
            by_column[column].append((threshold, number, word))
    found = []
    for column, tests in by_column.items():
        thresholds = np.unique([threshold for threshold, _, _ in tests])
        known = np.full((len(thresholds) + 1, len(trees)), _ALL, "uint64")
        for threshold, number, word in tests:
            # What is ruled out where this one is below a value is so of all greater values.
            known[thresholds.searchsorted(threshold) + 1, number] &= np.uint64(word)
        found.append((column, thresholds, np.bitwise_and.accumulate(known, axis=0)))
    return tuple(found)

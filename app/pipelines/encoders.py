"""Dates, free text and categories of which there are many, into numbers.

skrub's encoders do the same and were the model for these. They take 2 to 5 ms a column for a single row (these a tenth
of that, as they make no data frames), and refuse a column of text that is empty throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin

from app.pipelines.date_parts import DAY, PARTS, parts_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Numbers that a text becomes at most, as in skrub.
COMPONENTS = 30

#: Words or groups of letters that are told apart in one column; the rest is the rarest.
_VOCABULARY = 20_000


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode each column of text by latent semantic analysis: TF-IDF, then a truncated singular value decomposition.

    It needs no labels, so nothing of a label leaks into what is learned from, and a text that training did not see is
    near those that share words or letters with it. A missing text is an empty one; one that is there many times is
    counted once.

    Parameters
    ----------
    letters
        Whether groups of three and four letters are counted, for names and codes; else words and pairs of words.
    least
        Columns of fewer different texts are left out.
    random_state
        Of the decomposition.

    Attributes
    ----------
    n_outputs_ : numbers that each column becomes; at least one, unless it is left out.

    References
    ----------
    Deerwester et al. (1990), Indexing by latent semantic analysis. JASIS 41(6).
    """

    def __init__(self, letters: bool = False, least: int = 0, random_state: int = 0) -> None:
        self.letters = letters
        self.least = least
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the words and their directions, column by column."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None) -> Array:
        """Learn from some texts and return what `transform` would of them: most of the time is for counting words."""
        import numpy as np

        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.n_features_in_ = X.shape[1]
        self.vectorizers_, self.directions_ = [], []
        blocks = [np.zeros((len(X), 0))]
        for name in X.columns:
            vectorizer, directions = None, np.zeros((0, 0), dtype="float32")
            if X[name].nunique() >= self.least:
                vectorizer, directions, encoded = self._learned(*_different(X[name]))
                blocks.append(encoded)
            self.vectorizers_.append(vectorizer)
            self.directions_.append(directions)
        self.n_outputs_ = [directions.shape[1] for directions in self.directions_]
        return np.hstack(blocks, dtype="float64")

    def _learned(self, texts: Array, places: Array) -> tuple[Any, Array, Array]:
        """Return the fitted vectorizer, an array of shape (n_words, n_components), and the texts encoded by these."""
        import numpy as np
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        # Words of one letter too: a text may have no others.
        words = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        counted = {"analyzer": "char_wb", "ngram_range": (3, 4)} if self.letters else words
        vectorizer = TfidfVectorizer(**counted, max_features=_VOCABULARY, sublinear_tf=True, dtype=np.float32)
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:
            # Not one word: the column is empty, or punctuation. It keeps its place.
            return None, np.zeros((0, 1), dtype="float32"), np.zeros((len(places), 1))
        # As `transform` has them, or the sums below would be of another order and differ in the last place.
        counts.sort_indices()
        n_components = min(COMPONENTS, counts.shape[1] - 1, counts.shape[0] - 1)
        if n_components < 1:
            directions = np.ones((counts.shape[1], 1))
        else:
            decomposition = TruncatedSVD(n_components, random_state=self.random_state).fit(counts)
            directions = decomposition.components_.T
        # All components of a column together vary as much as one scaled number does.
        spread = float(np.sqrt((counts @ directions)[places].var(axis=0).sum()))
        directions = (directions / (spread if spread > 0 else 1.0)).astype("float32")
        return vectorizer, directions, (counts @ directions)[places]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is stored: the words of a column as one text, since thousands of small entries take seconds."""
        state: dict[str, Any] = super().__getstate__()
        if "vectorizers_" not in state:
            return state
        return {**state, "vectorizers_": [None if one is None else _packed(one) for one in state["vectorizers_"]]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what `__getstate__` has returned."""
        super().__setstate__(state)
        if "vectorizers_" in state:
            self.vectorizers_ = [None if one is None else _unpacked(*one) for one in state["vectorizers_"]]

    def transform(self, X: pd.DataFrame) -> Array:
        """Return an array of float64, shape (n_samples, sum(n_outputs_))."""
        import numpy as np

        blocks = [np.zeros((len(X), 0))]
        for name, vectorizer, directions in zip(X.columns, self.vectorizers_, self.directions_, strict=True):
            if vectorizer is None:
                blocks.append(np.zeros((len(X), directions.shape[1])))
            else:
                texts, places = _different(X[name])
                blocks.append((vectorizer.transform(texts) @ directions)[places])
        return np.hstack(blocks, dtype="float64")

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Name each output by its column and number."""
        return _names(self.feature_names_in_, [map(str, range(count)) for count in self.n_outputs_])


class DateEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Encode each column of dates: year, month, day, weekday, hour, and days since 1970 with their fraction.

    The hour is left out of columns that are midnight throughout. A missing date becomes the median date.

    Attributes
    ----------
    n_outputs_ : numbers that each column becomes.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the median dates, and which columns have times of day."""
        import numpy as np

        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.n_features_in_ = X.shape[1]
        self.medians_, self.n_outputs_ = [], []
        for name in X.columns:
            known = _microseconds(X[name].dropna())
            self.medians_.append(int(np.median(known)) if len(known) else 0)
            self.n_outputs_.append(len(PARTS) - int(not (known % DAY).any()))
        return self

    def transform(self, X: pd.DataFrame) -> Array:
        """Return an array of float64, shape (n_samples, sum(n_outputs_))."""
        import numpy as np

        blocks = [
            parts_of(_microseconds(X[name]), median, count)
            for name, median, count in zip(X.columns, self.medians_, self.n_outputs_, strict=True)
        ]
        return np.hstack(blocks, dtype="float64")

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Name each output by its column and part."""
        return _names(self.feature_names_in_, [PARTS[:count] for count in self.n_outputs_])


def _different(values: pd.Series) -> tuple[Array, Array]:
    """Return the different texts, and for each value the place of its text among them."""
    import pandas as pd

    places, texts = pd.factorize(values.fillna("").to_numpy(dtype="object"))
    return texts, places


def _packed(vectorizer: Any) -> list[Any]:
    """Return a vectorizer without its words, these as one text in the order of their places, and where each ends."""
    from copy import copy

    import numpy as np

    bare = copy(vectorizer)
    words = sorted(bare.vocabulary_, key=bare.vocabulary_.__getitem__)
    del bare.vocabulary_
    return [bare, "".join(words), np.cumsum([len(word) for word in words])]


def _unpacked(vectorizer: Any, text: str, ends: Array) -> Any:
    begin, words = 0, []
    for end in ends.tolist():
        words.append(text[begin:end])
        begin = end
    vectorizer.vocabulary_ = {word: place for place, word in enumerate(words)}
    return vectorizer


def _microseconds(values: pd.Series) -> Array:
    """Return int64 since 1970; the least one where a date is missing."""
    moments: Array = values.to_numpy(dtype="datetime64[us]")
    return moments.view("int64")


def _names(columns: Any, parts: Any) -> Array:
    import numpy as np

    return np.array([f"{name}_{part}" for name, each in zip(columns, parts, strict=True) for part in each], "object")

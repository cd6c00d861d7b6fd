"""Explanations: which columns moved a prediction, how, and how far to trust the answer."""

"""The pages that ask a model: predictions, explanations, and what if a row were different."""

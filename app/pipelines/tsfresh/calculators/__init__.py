"""tsfresh's calculators as operations on arrays of series: `plan` computes them, `names` says what they are called."""

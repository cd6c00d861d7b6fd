"""Fitted pipelines into compiled ones, in the worker that has trained them.

`compiler` reads the fitted state, and `agreement` compares what it made with the original.
"""

"""Rows of X, y and weights: in memory, in files, in chunks, sparse."""

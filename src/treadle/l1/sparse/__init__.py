"""Solves regressions of sparse rows."""

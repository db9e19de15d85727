"""Computes standard errors and intervals, and fits several quantiles."""

"""Saves estimators as files, and loads them."""

"""Estimators that keep scikit-learn's contract; they alone import scikit-learn's base classes."""

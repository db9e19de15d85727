"""Multilayer perceptrons as scikit-learn estimators."""

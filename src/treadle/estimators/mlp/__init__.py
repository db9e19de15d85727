"""The multilayer perceptrons of scikit-learn's contract."""

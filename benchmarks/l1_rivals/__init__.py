"""A file for each program that fits an L1 regression, all with the same narrow face.

``name``, ``packages``
    What it is called, and the packages whose versions are told.
``fit(X, y) -> ndarray (D + 1,)``
    The intercept and the coefficients of the median regression, as a user calls it.
"""

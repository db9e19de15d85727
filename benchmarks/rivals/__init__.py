"""A file for each program that trains a recipe, all with the same narrow face.

``name(recipe) -> str``
    What the tables call it when it trains that recipe.
``versions() -> dict[str, str]``
    The packages that do its work.
``prepare(recipe, X, y, seed, threads) -> Callable[[], float]``
    X is (N, 784) uint8 and y (N,) int64. Sets everything up, and returns a function that trains one more
    epoch and returns the mean of its loss over the rows, each taken just before the update of its batch.
    Only that function is timed: what a rival does to the data once, before its first epoch, costs it nothing.

Those that gpu_check.py runs too take a ``device`` besides, "cpu" or "cuda".

worker.py has set the process's affinity and the usual environment variables to the number of threads; a rival
that reads neither takes it from the argument.
"""

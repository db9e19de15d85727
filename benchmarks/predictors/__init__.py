"""A file for each program that predicts with a trained classic network, all with the same narrow face.

``name(threads) -> str``
    What the table calls it.
``versions() -> dict[str, str]``
    The packages that do its work.
``prepare(folder, X, threads) -> Callable[[], NDArray]``
    The folder holds ``model.safetensors`` and ``model.onnx``, the same network; X is (N, 784) float32, pixels
    of 0 to 255. Sets everything up, brings X to the form that the program likes best, and returns a function
    that predicts X: class probabilities (N, 10) as a NumPy array. Only that function is timed.
"""

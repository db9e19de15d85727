"""The exceptions that treadle raises on purpose, and its warnings, and nothing else.

::

    TreadleError
    ├── InvalidInput(ValueError)      an argument, array or option that cannot be used
    ├── DataUnavailable(OSError)      a data set that no source could deliver
    ├── CorruptFile(ValueError)       a file that is not what its format says
    ├── RunError                      a run's folder that cannot be used as requested
    ├── EngineUnavailable             an engine that cannot serve the request here
    ├── MissingDependency(ImportError)   an optional package that is not installed
    ├── CertificateFailed(ArithmeticError)   an optimum that could not be proved
    ├── TrainingDiverged(ArithmeticError, ValueError)   a loss that became NaN or infinite
    └── FitsFailed                    fits at once of which some failed
    UnprovedWarning(UserWarning)      an error small enough at sampled points, without a proof
    PixelUnitsWarning(UserWarning)    an image whose black and white had to be guessed from its range
    RoundedNumbersWarning(UserWarning) whole numbers of a file that no double holds
    InferenceWarning(UserWarning)     standard errors or intervals with little evidence in the data

Each message says what was wrong, the value that came, what is allowed, and what to do. Whatever a file or a
path brings into one, it stays within some lines, in characters that a terminal shows.
"""

from treadle.messages import readable


class TreadleError(Exception):
    """Base of every exception that treadle raises on purpose.

    Examples
    --------
    >>> import treadle
    >>> try:
    ...     treadle.load_data("digit")
    ... except treadle.TreadleError as error:
    ...     print(error)
    there is no data set, folder or file 'digit'; did you mean digits?; allowed are ...
    """

    def __str__(self) -> str:
        return readable(super().__str__())


class InvalidInput(TreadleError, ValueError):
    """An argument, an array or an option that cannot be used.

    Examples
    --------
    >>> import treadle
    >>> try:
    ...     treadle.softmax([])
    ... except ValueError as error:
    ...     print(error)
    logits must have at least one class along axis -1; got shape (0,)
    """


class DataUnavailable(TreadleError, OSError):
    """A data set that none of its sources could deliver.

    Examples
    --------
    >>> import treadle
    >>> try:
    ...     raise treadle.DataUnavailable("no mirror answers")
    ... except OSError as error:
    ...     print(error)
    no mirror answers
    """


class CorruptFile(TreadleError, ValueError):
    """A file whose bytes do not follow its format.

    Examples
    --------
    >>> from pathlib import Path
    >>> import treadle
    >>> n_bytes = Path("model.safetensors").write_bytes(b"not a model")
    >>> treadle.load_model("model.safetensors")
    Traceback (most recent call last):
    treadle.errors.CorruptFile: model.safetensors ...
    """


class RunError(TreadleError):
    """A run's folder that is missing, unfinished or does not fit the request.

    Examples
    --------
    >>> import treadle
    >>> treadle.Run.open("no-run")
    Traceback (most recent call last):
    treadle.errors.RunError: no-run holds no run (no config.toml): ...
    """


class EngineUnavailable(TreadleError):
    """An engine that is not installed, or cannot serve the request.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Adam, Network, Objective, TrainingProblem, select_engine
    >>> X, y = np.zeros((2, 3)), np.array([0, 1])
    >>> problem = TrainingProblem(Network((3, 2)), Objective(), Adam(), X, y, 1, precision="bfloat16")
    >>> select_engine("numpy", problem)
    Traceback (most recent call last):
    treadle.errors.EngineUnavailable: the numpy engine does not compute in bfloat16: ...
    """


class MissingDependency(TreadleError, ImportError):
    """An optional package that is needed and not installed.

    Examples
    --------
    >>> import treadle
    >>> try:
    ...     raise treadle.MissingDependency("ONNX files need onnx: pip install 'treadle[onnx]'")
    ... except ImportError as error:
    ...     print(error)
    ONNX files need onnx: pip install 'treadle[onnx]'
    """


class CertificateFailed(TreadleError, ArithmeticError):
    """An optimum that could not be proved to the precision of the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import LADRegressor
    >>> from treadle.l1 import ChunkRows
    >>> X = np.array([[0, 1], [1e13, 1e13 + 3], [2e13, 2e13 + 2], [5e13, 5e13 + 7]])  # columns next to equal
    >>> LADRegressor().fit(ChunkRows(lambda: [(X, np.arange(4.0))]))
    Traceback (most recent call last):
    treadle.errors.CertificateFailed: feature 1 is too near to a combination of the others ...
    """


class TrainingDiverged(TreadleError, ArithmeticError, ValueError):
    """A training loss that became NaN or infinite.

    Examples
    --------
    >>> import treadle
    >>> treadle.MLPRegressor(learning_rate_init=1e30, solver="sgd").fit([[1.0], [2.0]], [1.0, 2.0])
    Traceback (most recent call last):
    treadle.errors.TrainingDiverged: ...
    """


class FitsFailed(TreadleError):
    """Fits or trainings at once of which some failed; the others have ended.

    Attributes
    ----------
    errors : dict of int to Exception
        What those that failed raised, by their numbers from 0.

    Examples
    --------
    >>> import treadle
    >>> estimators = [treadle.LADRegressor(quantile) for quantile in (0.5, 1.5)]
    >>> try:
    ...     treadle.fit_many(estimators, [[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0])
    ... except treadle.FitsFailed as failed:
    ...     print(failed.errors[1])
    The 'quantile' parameter of LADRegressor must be a float in the range (0.0, 1.0). Got 1.5 instead.
    >>> estimators[0].coef_.tolist()
    [1.5]
    """

    def __init__(self, message: str, errors: dict[int, BaseException]) -> None:
        super().__init__(message, errors)
        self.errors = errors

    def __str__(self) -> str:
        return readable(str(self.args[0]))


class UnprovedWarning(UserWarning):
    """A result whose error is small enough where it was sampled, without a proof.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from treadle import UnprovedWarning, approximate
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", UnprovedWarning)
    ...     approximate(np.sin, (0, 1), eps=0.1).error_bound_
    nan
    """


class PixelUnitsWarning(UserWarning):
    """An image whose black and white had to be guessed from its range.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from PIL import Image
    >>> from treadle import PixelUnitsWarning
    >>> from treadle.data.images import read_image
    >>> Image.fromarray(np.array([[0, 1023]], np.uint16)).save("grey.png")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", PixelUnitsWarning)
    ...     read_image("grey.png", (1, 2)).tolist()  # 10 bits in a file of 16
    [[0, 255]]
    """


class RoundedNumbersWarning(UserWarning):
    """Whole numbers beyond 2^53 in a file, which doubles round."""


class InferenceWarning(UserWarning):
    """Standard errors or intervals for which the data hold little evidence."""

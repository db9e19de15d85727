"""The exceptions that treadle raises on purpose, and its warnings, and nothing else.

::

    TreadleError
    ├── InvalidInput(ValueError)      an argument, array or option that cannot be used
    ├── DataUnavailable(OSError)      a data set that no source could deliver
    ├── CorruptFile(ValueError)       a file that is not what its format says
    ├── RunError                      a run's folder that cannot be used as asked
    ├── EngineUnavailable             an engine that cannot serve the request here
    ├── MissingDependency(ImportError)   an optional package that is not installed
    ├── CertificateFailed(ArithmeticError)   an optimum that could not be proved
    └── TrainingDiverged(ArithmeticError, ValueError)   a loss that became NaN or infinite
    UnprovedWarning(UserWarning)      a result within what was asked for at samples only: nothing proves it
    PixelUnitsWarning(UserWarning)    an image whose black and white had to be guessed from its range
    RoundedNumbersWarning(UserWarning) whole numbers of a file that no double holds
    InferenceWarning(UserWarning)     standard errors or intervals that rest on what the data show little of

Each message says what was wrong, the value that came, what is allowed, and what to do. Whatever a file or a
path brings into one, it stays within some lines, in characters that a terminal shows.
"""

from treadle.messages import readable


class TreadleError(Exception):
    """Base of every exception that treadle raises on purpose."""

    def __str__(self) -> str:
        return readable(super().__str__())


class InvalidInput(TreadleError, ValueError):
    """An argument, an array or an option that cannot be used."""


class DataUnavailable(TreadleError, OSError):
    """A data set that none of its sources could deliver."""


class CorruptFile(TreadleError, ValueError):
    """A file whose bytes are not what its format says they must be."""


class RunError(TreadleError):
    """A run's folder that is missing, unfinished or does not fit the request."""


class EngineUnavailable(TreadleError):
    """An engine that is not installed, or cannot serve what was asked of it."""


class MissingDependency(TreadleError, ImportError):
    """An optional package that what was asked for needs, and that is not installed."""


class CertificateFailed(TreadleError, ArithmeticError):
    """An optimum that could not be proved to the precision of the numbers."""


class TrainingDiverged(TreadleError, ArithmeticError, ValueError):
    """A training loss that became NaN or infinite."""


class UnprovedWarning(UserWarning):
    """A result that is within what was asked for where it was sampled, and of which nothing is proved."""


class PixelUnitsWarning(UserWarning):
    """An image of which it had to be guessed, from the range of its values, which are black and white."""


class RoundedNumbersWarning(UserWarning):
    """Whole numbers beyond 2^53 of a file that is read as doubles, which round them."""


class InferenceWarning(UserWarning):
    """Standard errors or intervals that rest on what the data show little of."""

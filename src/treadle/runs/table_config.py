"""The configuration of a run on a table, filled by TOML files and flags.

The fields' names are the keys of the TOML file and, with dashes, the flags.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Any

from treadle.choices import EngineName, PrecisionName, RegressionLossName
from treadle.errors import InvalidInput
from treadle.messages import quoted
from treadle.runs.column_kinds import parse_column_kinds
from treadle.runs.config import check_types

if TYPE_CHECKING:
    from treadle.estimators.tables.table_classifier import TableClassifier
    from treadle.estimators.tables.table_regressor import TableRegressor

SPLITS = ("random", "time", "group")


@dataclass(frozen=True)
class TableConfig:
    """The configuration of a run on a table: its columns, rows, network, training and engine.

    Parameters
    ----------
    data : str
        File with the table: CSV (plain or gzipped, names in its first line), Parquet, Feather or JSON lines.
    target : tuple of str
        Column to predict, or several of numbers, commas between.
    test : str
        File with other rows to test by; left out, rows of the table are split off.
    split : str
        How rows are split off: random, time:COLUMN (the last ones) or group:COLUMN (whole groups).
    columns : tuple of str
        What columns are where type and content say something else: zip=category,year=number,id=out.
    weights : str
        Column with the weights of the rows.
    loss : str
        Of a target of numbers.
    balanced : bool
        Let all classes weigh the same in training.
    scoring : str
        What chooses the epoch: a scorer of scikit-learn by name, or loss.
    hidden : tuple of int
        Units of each hidden layer, first to last.
    epochs : int
        Passes over the training rows, unless they were more rows than max-rows.
    max_rows : int
        Rows that training sees at most, in all epochs together.
    batch_size : int
        Rows in a step.
    learning_rate : float
        The peak of the schedule; 0 is the recipe's: 0.04 for classes, 0.2 for numbers.
    dropout : float
        Probability with which a hidden unit is dropped while training.
    weight_decay : float
        Decoupled decay of the weights.
    label_smoothing : float
        Share of each label spread evenly over all classes.
    test_fraction : float
        Of the rows, split off to test by.
    validation_fraction : float
        Of the rows that are left, to choose the epoch by.
    engine : str
        What computes; auto takes the fastest that can.
    precision : str
        Of the matrix products; bfloat16 is for the native engine.
    seed : int
        Of everything random: splits, initial weights, order of the rows, dropout.

    Examples
    --------
    >>> from treadle.runs.table_config import TableConfig
    >>> TableConfig("houses.csv", target=("price",), split="time:sold").split_column
    'sold'
    """

    data: str
    _: KW_ONLY
    target: tuple[str, ...]
    test: str = ""
    split: str = "random"
    columns: tuple[str, ...] = ()
    weights: str = ""
    loss: RegressionLossName = "squared_error"
    balanced: bool = False
    scoring: str = ""
    hidden: tuple[int, ...] = (256, 256, 256)
    epochs: int = 256
    max_rows: int = 8_000_000
    batch_size: int = 256
    learning_rate: float = 0.0
    dropout: float = 0.15
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    test_fraction: float = 0.2
    validation_fraction: float = 0.2
    engine: EngineName = "auto"
    precision: PrecisionName = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("target", "columns", "hidden"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_types(TableConfig, asdict(self))
        kind, colon, column = self.split.partition(":")
        if kind not in SPLITS or bool(column) != (kind != "random") or (colon and not column):
            raise InvalidInput(
                f"split must be random, time:COLUMN or group:COLUMN; got {quoted(self.split, 60)}"
            )
        for name in ("test_fraction", "validation_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidInput(f"{name} must be between 0 and 1; got {getattr(self, name)!r}")
        if not 0 <= self.seed < 2**32:
            raise InvalidInput(f"seed must be from 0 to {2**32 - 1}; got {self.seed}")
        parse_column_kinds(self.columns)

    @property
    def split_kind(self) -> str:
        """How rows are split off: random, time or group."""
        return self.split.partition(":")[0]

    @property
    def split_column(self) -> str:
        """The column that rows are split by; "" at random."""
        return self.split.partition(":")[2]

    def estimator(self, *, classifies: bool) -> TableClassifier | TableRegressor:
        """Make the estimator that these settings describe.

        Raises
        ------
        InvalidInput
            If a setting is for the other kind of target.
        """
        from treadle.estimators.tables.table_classifier import TableClassifier
        from treadle.estimators.tables.table_regressor import TableRegressor

        # Any: keywords of several types.
        shared: dict[str, Any] = {
            "hidden_layer_sizes": self.hidden,
            "n_epochs": self.epochs,
            "max_rows": self.max_rows,
            "batch_size": self.batch_size,
            "dropout": self.dropout,
            "weight_decay": self.weight_decay,
            "validation_fraction": self.validation_fraction,
            "scoring": self.scoring or None,
            "random_state": self.seed,
            "engine": self.engine,
            "precision": self.precision,
        }
        if self.learning_rate:
            shared["learning_rate_init"] = self.learning_rate
        if not classifies:
            if self.balanced:
                raise InvalidInput("balanced is for classes, and the target is numbers: leave it out")
            return TableRegressor(self.loss, **shared)
        if self.loss != "squared_error":
            raise InvalidInput(
                f"loss {self.loss} is for numbers, and the target is classes: leave it out, or say "
                "--columns TARGET=number"
            )
        return TableClassifier(
            label_smoothing=self.label_smoothing,
            class_weight="balanced" if self.balanced else None,
            **shared,
        )

"""Records each epoch of training, and writes and reads CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields

from treadle.errors import CorruptFile


@dataclass(frozen=True)
class EpochRecord:
    """The record of one epoch.

    Parameters
    ----------
    epoch : int
        From 1.
    train_loss : float
        Mean objective over the epoch's rows, each taken just before the update that its batch caused.
    held_out_loss, held_out_score : float
        At the end of the epoch, on the rows held out; nan where there are none. The score is the accuracy, or
        what else the rows are judged by (an R^2, say); more is better. nan where nothing judges them.
    learning_rate : float
        Of the epoch's last step.
    seconds : float
        Wall time of training in this epoch, without its evaluation.

    Examples
    --------
    >>> from treadle import EpochRecord
    >>> record = EpochRecord(1, 0.5, 0.4, 0.85, 0.001, 0.3)
    >>> record.epoch, record.held_out_score
    (1, 0.85)
    """

    epoch: int
    train_loss: float
    held_out_loss: float
    held_out_score: float
    learning_rate: float
    seconds: float


COLUMNS = tuple(field.name for field in fields(EpochRecord))
# What files of version 0.1.0 call the columns: those of runs, and those of estimators.
EARLIER_NAMES = {
    "test_loss": "held_out_loss",
    "test_accuracy": "held_out_score",
    "validation_loss": "held_out_loss",
    "validation_score": "held_out_score",
}


class History:
    """The records of a run's epochs, in order.

    Examples
    --------
    >>> from treadle import EpochRecord, History
    >>> history = History([EpochRecord(epoch, 1 / epoch, 0.4, 0.85, 0.001, 0.3) for epoch in (1, 2)])
    >>> len(history), history[-1].epoch, history.column("train_loss")
    (2, 2, [1.0, 0.5])
    """

    def __init__(self, records: Iterable[EpochRecord] = ()) -> None:
        self.records = list(records)

    def append(self, record: EpochRecord) -> None:
        """Add the next epoch."""
        self.records.append(record)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> EpochRecord:
        return self.records[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.records == other.records

    def column(self, name: str) -> list[float]:
        """Return one field of every record."""
        return [getattr(record, name) for record in self.records]

    def as_dicts(self) -> list[dict[str, float]]:
        """Return a plain dictionary for each epoch, for JSON or a DataFrame."""
        return [asdict(record) for record in self.records]

    def to_csv(self) -> str:
        """Write a header and a line for each epoch.

        Every float can be read back to the bit.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(record) for record in self.records)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> History:
        """Read what ``to_csv`` of any version wrote, or raise CorruptFile."""
        try:
            rows = list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            raise CorruptFile(f"a history is a table in CSV; this is none: {error}") from error
        if not rows or tuple(EARLIER_NAMES.get(name, name) for name in rows[0]) != COLUMNS:
            raise CorruptFile(f"a history begins with the line {','.join(COLUMNS)}; got {rows[:1]}")
        try:
            history = cls(EpochRecord(int(row[0]), *map(float, row[1:])) for row in rows[1:])
        except (ValueError, TypeError, IndexError) as error:
            raise CorruptFile(f"a line of the history is not {len(COLUMNS)} numbers: {error}") from error
        if history.column("epoch") != list(range(1, len(history) + 1)):
            raise CorruptFile(f"the epochs of a history count from 1; got {history.column('epoch')}")
        return history

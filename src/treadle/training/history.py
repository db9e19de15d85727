"""What happened in each epoch of training: a list of records that becomes a CSV table, and comes back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from treadle.errors import CorruptFile


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Parameters
    ----------
    epoch : int
        From 1.
    train_loss : float
        Mean objective over the epoch's rows, each taken just before the update that its batch caused.
    test_loss, test_accuracy : float
        At the end of the epoch, on the rows held out; nan where there are none, or nothing to be accurate
        about. In place of the accuracy stands the score that the rows have of their own, if any.
    learning_rate : float
        Of the epoch's last step.
    seconds : float
        Wall time of training in this epoch, without its evaluation.
    """

    epoch: int
    train_loss: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    seconds: float

    @property
    def validation_loss(self) -> float:
        """``test_loss``, as estimators call it: what is held out there is for validation."""
        return self.test_loss

    @property
    def validation_score(self) -> float:
        """``test_accuracy``, as estimators call it."""
        return self.test_accuracy


COLUMNS = tuple(field.name for field in fields(EpochRecord))


class History:
    """The epochs of a run, in order."""

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

    def column(self, name: str) -> list[Any]:
        """One field of every record."""
        return [getattr(record, name) for record in self.records]

    def as_dicts(self) -> list[dict[str, Any]]:
        """A plain dictionary for each epoch, ready for JSON or a DataFrame."""
        return [asdict(record) for record in self.records]

    def to_csv(self) -> str:
        """A header and a line an epoch; every float can be read back to the bit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(record) for record in self.records)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> History:
        """Read what ``to_csv`` wrote; raise CorruptFile for anything else."""
        try:
            rows = list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            raise CorruptFile(f"a history is a table in CSV; this is none: {error}") from error
        if not rows or tuple(rows[0]) != COLUMNS:
            raise CorruptFile(f"a history begins with the line {','.join(COLUMNS)}; got {rows[:1]}")
        try:
            history = cls(EpochRecord(int(row[0]), *map(float, row[1:])) for row in rows[1:])
        except (ValueError, TypeError, IndexError) as error:
            raise CorruptFile(f"a line of the history is not {len(COLUMNS)} numbers: {error}") from error
        if history.column("epoch") != list(range(1, len(history) + 1)):
            raise CorruptFile(f"the epochs of a history count from 1; got {history.column('epoch')}")
        return history

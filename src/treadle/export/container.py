"""The common part of treadle's file formats: safetensors, a version, and refusals.

A format's metadata have ``format``, its version, and the keys that it names; whatever else a file holds is
for the format to read. One ``Container`` each: models, estimators, box networks, trees, checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from treadle.errors import CorruptFile, TreadleError
from treadle.export.safetensors_file import read_safetensors, write_safetensors
from treadle.maths.dtypes import ArrayMapping, Arrays
from treadle.messages import quoted, shortened
from treadle.strict_text import ParsedTable

# What code that takes arguments as they should be raises for others.
UNUSABLE = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError),
    TreadleError,
)


@dataclass(frozen=True)
class Container:
    """One of treadle's file formats.

    Parameters
    ----------
    kind : str
        What a file of it holds, with its article: "a box network".
    version : int
    keys : tuple of str
        Of the metadata, beside ``format``.
    section : str, default=""
        The key by which a file of it is known, if there is one.
    section_type : type, default=dict
        What is under that key.
    again : str, default="train again"
        What else there is to do about a damaged file than to restore it.
    needs_sum : bool, default=True
        Whether its files always had ``sha256``.
    """

    kind: str
    version: int
    keys: tuple[str, ...]
    section: str = ""
    section_type: type = dict
    again: str = "train again"
    needs_sum: bool = True

    @property
    def remedy(self) -> str:
        """Return the advice for a damaged file, the end of an error's sentence."""
        return f"restore it from a copy, or {self.again}"

    def write(self, path: str | Path, arrays: ArrayMapping, metadata: Mapping[str, object]) -> None:
        """Write a file, whole or not at all; as ``write_safetensors``."""
        write_safetensors(Path(path), arrays, {"format": self.version, **metadata})

    def read(self, path: str | Path) -> tuple[Arrays, ParsedTable]:
        """Read a file's arrays and metadata, checked by ``check``.

        Raises
        ------
        OSError
            If the file cannot be opened.
        CorruptFile
            If it is not a file of this format and version, or damaged.
        """
        arrays, metadata = read_safetensors(path, needs_sum=self.needs_sum)
        self.check(path, metadata)
        return arrays, metadata

    def check(self, path: str | Path, metadata: Mapping[str, object]) -> None:
        """Raise CorruptFile unless the metadata are of this format, version and keys.

        There is no key beyond.
        """
        self.check_version(path, metadata)
        known = ("format", *self.keys)
        if unknown := sorted(metadata.keys() - set(known)):
            raise CorruptFile(
                f"{path} holds {quoted(unknown[0])}, which its format does not have; allowed are "
                f"{', '.join(known)}: {self.remedy}"
            )

    def check_version(self, path: str | Path, metadata: Mapping[str, object]) -> None:
        """Raise CorruptFile unless these are metadata of this format and version."""
        is_known = not self.section or isinstance(metadata.get(self.section), self.section_type)
        if metadata.get("format") != self.version or not is_known:
            found = shortened(", ".join(sorted(metadata.keys() - {"format"})), 100) or "nothing"
            raise CorruptFile(
                f"{path} must hold {self.kind} of format {self.version}; it holds format "
                f"{quoted(metadata.get('format'))} of {found}: use the treadle that wrote it, {self.remedy}"
            )

    @contextmanager
    def describing(self, path: str | Path, what: str = "") -> Iterator[None]:
        """Turn errors of making an object from a file's content into CorruptFile.

        Parameters
        ----------
        path : str or Path
        what : str, default=""
            The object, with its article; "" is the ``kind``.
        """
        try:
            yield
        except CorruptFile:
            raise
        except UNUSABLE as error:
            why = str(error) if isinstance(error, TreadleError) else f"{type(error).__name__}: {error}"
            raise CorruptFile(
                f"{path} does not describe {what or self.kind}: {shortened(why, 300)}; {self.remedy}"
            ) from error

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from treadle.data.known_files import KnownFile


@dataclass
class SmallFashion:
    """Fashion-MNIST's layout with a few rows, and every place where it could be, all inside tmp_path."""

    files: tuple[KnownFile, ...]
    compressed: dict[str, bytes]
    arrays: dict[str, NDArray[Any]]
    cache: Path
    system: Path
    programs: Path

    def put(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.compressed.items():
            (folder / f"{name}.gz").write_bytes(data)
        return folder

    def add_program(self, name: str, script: str) -> None:
        """A shell script, found before anything else and the only thing found."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

"""A run as its folder tells of it: what was configured, and in which environment it began.

What is trained, and on what, is for ``Run`` and ``TableRun`` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from treadle.errors import RunError
from treadle.runs.config import RunConfig, read_config_file
from treadle.runs.environment import decisive
from treadle.runs.run_folder import RunFolder
from treadle.runs.table_config import TableConfig

Config = TypeVar("Config", bound=RunConfig | TableConfig)


@dataclass(frozen=True)
class ConfiguredRun(RunFolder, Generic[Config]):
    """A run: its folder, its configuration, and the environment of its start."""

    config_class: ClassVar[type[RunConfig | TableConfig]]

    config: Config
    environment: Mapping[str, str]

    @classmethod
    def create(cls, folder: str | Path, config: Config, environment: Mapping[str, str]) -> Self:
        """Plan a run in a new or empty folder; ``train`` makes it.

        Raises
        ------
        RunError
            If something is in the folder already.
        """
        run = cls(Path(folder), config, environment)
        run.check_new()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a run that was begun, finished or not.

        Raises
        ------
        RunError
            If the folder holds no run.
        InvalidInput
            If its configuration cannot be read or used.
        """
        found = RunFolder(Path(folder))
        found.check_begun()
        values, environment = read_config_file(found.config_path, cls.config_class)
        config: Any = cls.config_class(**values)
        return cls(found.folder, config, environment)

    # Any: of the fields' types.
    def refuse_changed(self, changed: Mapping[str, tuple[Any, Any]]) -> None:
        """Raise RunError if values of the configuration differ from those that the run began with."""
        if changed:
            said = ", ".join(f"{name} {old!r}, not {new!r}" for name, (old, new) in changed.items())
            raise RunError(f"{self.folder} was begun with {said}: resume it as it is, or begin another run")

    def in_environment(self, config: Config, environment: Mapping[str, str]) -> tuple[Self, list[str]]:
        """Return the run to resume with that configuration, and warnings of what differs from its start.

        Raises
        ------
        RunError
            If the data are not those that the run began with.
        """
        began, now = self.environment.get("data_checksum", "unknown"), environment["data_checksum"]
        if began != now:
            raise RunError(
                f"the data {config.data} are not those that {self.folder} began with (SHA-256 {now[:12]}..., "
                f"then {began[:12]}...): restore them, or begin another run"
            )
        warnings = [
            f"this run began with {name} {self.environment.get(name)}, and goes on with "
            f"{environment.get(name)}: the result may differ from an uninterrupted run's"
            for name in decisive(environment, config.precision)
            if self.environment.get(name) != environment.get(name)
        ]
        return type(self)(self.folder, config, self.environment), warnings

"""A run's folder, and the training that fills it.

::

    config.toml              the resolved configuration and the environment; written first
    history.csv              a line an epoch
    checkpoint.safetensors   everything that resuming needs; replaced after each epoch
    model.safetensors        the trained network; written last: its presence says that the run is finished

Each file is replaced whole or not at all, so a run killed at any moment resumes to the same bits.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from treadle.data.dataset import Dataset
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, RunError
from treadle.export.model_file import Model, load_model, save_model
from treadle.files import UNFINISHED, locked, remove_unfinished, write_atomically
from treadle.network import Network, Parameters
from treadle.optimizers import SCHEDULES, SGD, Adam, AdamW, Optimizer
from treadle.runs.config import RunConfig, config_toml, read_config_file
from treadle.runs.environment import decisive
from treadle.training.callbacks import Training, as_callbacks
from treadle.training.checkpoint import Checkpoint
from treadle.training.checkpointing import Checkpointing
from treadle.training.history import History
from treadle.training.loop import TrainingLoop, TrainingPlan


@dataclass(frozen=True)
class Run:
    """A run: its folder, its configuration and the environment that it began in.

    Examples
    --------
    >>> from treadle import Run, RunConfig, load_data, select_engine
    >>> run = Run.create("run", RunConfig("digits", hidden=(8,), epochs=2), {})
    >>> model = run.train(select_engine("numpy").engine, load_data("digits"))
    >>> model.network.sizes, len(Run.open("run").history())
    ((64, 8, 10), 2)
    """

    folder: Path
    config: RunConfig
    environment: Mapping[str, str]

    @classmethod
    def create(cls, folder: str | Path, config: RunConfig, environment: Mapping[str, str]) -> Run:
        """Plan a run in a folder that does not exist yet, or is empty; ``train`` makes it.

        Raises
        ------
        RunError
            If something is in the folder already.
        """
        folder = Path(folder)
        if folder.exists() and any(not path.name.endswith(UNFINISHED) for path in folder.iterdir()):
            begun = (folder / "config.toml").is_file()
            command = f"treadle train --resume {shlex.quote(str(folder))}"
            go_on = f", or go on with what is there: {command}" if begun else ""
            raise RunError(f"{folder} is not empty: name another folder with --out{go_on}")
        return cls(folder, config, environment)

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Take up a run that was begun, finished or not.

        Raises
        ------
        RunError
            If the folder holds no run.
        InvalidInput
            If its configuration cannot be read or used.
        """
        folder = Path(folder)
        path = folder / "config.toml"
        if not path.is_file():
            raise RunError(f"{folder} holds no run (no config.toml): name a folder that treadle train made")
        values, environment = read_config_file(path)
        return cls(folder, RunConfig(**values), environment)

    @property
    def model_path(self) -> Path:
        """The trained network, once the run is finished."""
        return self.folder / "model.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """The state after the last whole epoch."""
        return self.folder / "checkpoint.safetensors"

    @property
    def report_path(self) -> Path:
        """The page that ``treadle report`` writes."""
        return self.folder / "report.html"

    def model(self) -> Model:
        """The trained network; RunError if the run is not finished."""
        if not self.model_path.is_file():
            raise RunError(
                f"{self.folder} is not finished ({len(self.history())} of {self.config.epochs} epochs): "
                f"go on with: treadle train --resume {shlex.quote(str(self.folder))}"
            )
        return load_model(self.model_path)

    def history(self) -> History:
        """The epochs so far, as the checkpoint has them; history.csv is for people."""
        return Checkpoint.load(self.checkpoint_path).history if self.checkpoint_path.is_file() else History()

    def continued(self, config: RunConfig, environment: Mapping[str, str]) -> tuple[Run, list[str]]:
        """The run to go on with under a configuration that may have more epochs, and warnings for people.

        Raises
        ------
        RunError
            If anything but the number of epochs differs, the schedule or the average depends on their number,
            or the data are not those that the run began with.
        """
        differences = self.config.differences(config)
        epochs = differences.pop("epochs", None)
        if differences:
            changed = ", ".join(f"{name} {old!r}, not {new!r}" for name, (old, new) in differences.items())
            raise RunError(
                f"{self.folder} was begun with {changed}: resume it as it is, or begin another run"
            )
        if epochs and SCHEDULES[config.schedule].needs_n_epochs:
            raise RunError(
                f"{self.folder} was planned for {epochs[0]} epochs and its schedule {config.schedule} "
                f"depends on that: it cannot be resumed for {epochs[1]}"
            )
        if epochs and config.average > 1:
            raise RunError(
                f"{self.folder} was planned for {epochs[0]} epochs, the last {config.average} of them to be "
                f"averaged: it cannot be resumed for {epochs[1]}"
            )
        if epochs and epochs[1] < len(self.history()):
            raise RunError(
                f"{self.folder} has {len(self.history())} epochs behind it: it cannot be resumed for "
                f"{epochs[1]}"
            )
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
        return Run(self.folder, config, self.environment), warnings

    def train(
        self,
        engine: Engine,
        dataset: Dataset,
        *,
        callbacks: object = None,
        on_start: Callable[[], None] = lambda: None,
    ) -> Model:
        """Train from where the folder stands to the last epoch; return the model, which is then in its file.

        Parameters
        ----------
        engine : Engine
        dataset : Dataset
            What the configuration names.
        callbacks : a callback or function, a sequence of them, or None
            See ``treadle.training.callbacks``. The epoch's checkpoint is written after them.
        on_start : callable
            Called when all is known to be usable and the folder is there.

        Raises
        ------
        InvalidInput
            If a value of the configuration cannot be used; nothing is on the disk then.
        RunError
            If another process trains in the folder.
        TrainingDiverged
            If a loss is NaN or infinite; the folder keeps the last good checkpoint.
        OSError
            If the folder cannot be written or the disk is full.
        """
        loop = training_loop(self.config, engine, dataset)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder):
                return self._train(loop, dataset, callbacks, on_start)
        except BlockingIOError as error:
            raise RunError(
                f"another process trains in {self.folder}: wait for it, or name another folder with --out"
            ) from error

    def _train(
        self,
        loop: TrainingLoop,
        dataset: Dataset,
        callbacks: object,
        on_start: Callable[[], None],
    ) -> Model:
        remove_unfinished(self.folder)
        write_atomically(self.folder / "config.toml", config_toml(self.config, self.environment).encode())
        files = _RunFiles(self, on_start)
        Training(loop, [*as_callbacks(callbacks), files]).run()
        model = Model(
            loop.parameters(), dataset.class_names, dataset.image_shape, dataset.scale, dataset.data_range
        )
        save_model(self.model_path, model)
        return model


class _RunFiles(Checkpointing):
    """The folder's files of a training in progress."""

    def __init__(self, run: Run, on_start: Callable[[], None]) -> None:
        super().__init__(run.checkpoint_path)
        self._run = run
        self._on_start = on_start

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: ``Run.continued`` has compared configuration and data."""
        return {}

    def on_fit_begin(self, training: Training) -> None:
        """Go on from the checkpoint; what a finished run left is of no use once it goes on."""
        super().on_fit_begin(training)
        if len(training.history) < self._run.config.epochs:
            self._run.model_path.unlink(missing_ok=True)
            self._run.report_path.unlink(missing_ok=True)
        if len(training.history):  # a process killed between the two files left the table behind
            self._write_history(training.history)
        self._on_start()

    def _save(self, training: Training) -> None:
        super()._save(training)
        self._write_history(training.history)

    def _write_history(self, history: History) -> None:
        write_atomically(self._run.folder / "history.csv", history.to_csv().encode())


def training_problem(config: RunConfig, dataset: Dataset) -> TrainingProblem:
    """What a configuration trains, on a data set's training rows.

    Raises
    ------
    InvalidInput
        If a value of the configuration cannot be used.
    """
    if len(dataset.class_names) < 2:
        raise InvalidInput(
            f"{dataset.name} has the class {', '.join(dataset.class_names)} alone: "
            "a classifier needs at least two"
        )
    input_scale, input_offset = _standardising(dataset) if config.standardise else (dataset.scale, 0.0)
    network = Network(
        sizes=(dataset.X_train.shape[1], *config.hidden, len(dataset.class_names)),
        activation=config.activation,
        dropout=config.dropout,
        input_scale=input_scale,
        batch_norm=config.batch_norm,
        input_offset=input_offset,
        mirror_width=_image_shape("mirror", dataset)[1] if config.mirror else 0,
    )
    augmentation = None
    if config.flip or config.shift:
        shape = _image_shape("flip" if config.flip else "shift", dataset)
        augmentation = Augmentation(shape, config.flip, config.shift)
    return TrainingProblem(
        network=network,
        objective=Objective(label_smoothing=config.label_smoothing, l2=config.l2),
        optimizer=_optimizer(config),
        X=dataset.X_train,
        y=dataset.y_train,
        batch_size=config.batch_size,
        noise_seed=config.seed,
        augmentation=augmentation,
        precision=config.precision,
    )


def _standardising(dataset: Dataset) -> tuple[float, float]:
    """The scale and the offset that give the training rows, all columns together, mean 0 and deviation 1."""
    mean, deviation = dataset.moments
    if not deviation > 0:
        raise InvalidInput(
            f"{dataset.name} cannot be standardised: all numbers of its training rows are {mean}; "
            "leave standardise out"
        )
    return 1 / deviation, -mean / deviation


def _image_shape(option: str, dataset: Dataset) -> tuple[int, int]:
    """Height and width; InvalidInput if an option that is for images meets rows that are none."""
    if dataset.image_shape is None:
        raise InvalidInput(
            f"{option} is for images, and the rows of {dataset.name} are none: leave {option} out"
        )
    return dataset.image_shape


def training_loop(config: RunConfig, engine: Engine, dataset: Dataset) -> TrainingLoop:
    """The loop that a configuration describes, at its start.

    Raises
    ------
    InvalidInput
        If a value of the configuration cannot be used.
    """
    plan = TrainingPlan(
        config.epochs, config.learning_rate, SCHEDULES[config.schedule](), config.seed, config.average
    )
    problem = training_problem(config, dataset)
    parameters = Parameters.initialise(problem.network, config.initialisation, config.seed)
    return TrainingLoop(engine, problem, plan, parameters, (dataset.X_test, dataset.y_test))


def _optimizer(config: RunConfig) -> Optimizer:
    match config.optimizer:
        case "adam":
            return Adam()
        case "adamw":
            return AdamW(weight_decay=config.weight_decay)
        case _:
            return SGD(momentum=0.9, nesterov=True)


def make_run_folder(parent: Path, name: str) -> Path:
    """Make ``parent/name-1``, or the next that is free: processes never share a folder."""
    for n in count(1):
        folder = parent / f"{name}-{n}"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            break
    return folder

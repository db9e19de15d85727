"""A run's folder, and the training that fills it.

::

    config.toml              the resolved configuration and the environment; written first
    history.csv              a line an epoch; written with the checkpoint
    checkpoint.safetensors   everything that resuming needs; replaced after an epoch, at most once a second
    model.safetensors        the trained network; written last: its presence says that the run is finished

Each file is replaced whole or not at all, so a run killed at any moment resumes to the same bits.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from treadle.data.dataset import Dataset
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, RunError
from treadle.export.model_file import Model, load_model, save_model
from treadle.files import UNFINISHED, locked, remove_unfinished, write_atomically
from treadle.maths.dtypes import Arrays
from treadle.network import Network, Parameters
from treadle.optimizers import SCHEDULES, SGD, Adam, AdamW, Optimizer
from treadle.runs.config import RunConfig, config_toml, read_config_file
from treadle.runs.environment import decisive
from treadle.training.callbacks import Training, as_callbacks
from treadle.training.checkpoint import Checkpoint
from treadle.training.checkpointing import Checkpointing
from treadle.training.history import History
from treadle.training.loop import TrainingLoop, TrainingPlan

# From one checkpoint to the next, at least; what a killed process has to train again.
SECONDS_BETWEEN_CHECKPOINTS = 1.0


@dataclass(frozen=True)
class Run:
    """A run: its folder, its configuration, and the environment of its start.

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
        """Plan a run in a new or empty folder; ``train`` makes it.

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
        """Open a run that was begun, finished or not.

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
        """The file of the trained network, once the run is finished."""
        return self.folder / "model.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """The file of the state after the last epoch that was saved.

        Of a killed run that is up to a second before its end.
        """
        return self.folder / "checkpoint.safetensors"

    @property
    def report_path(self) -> Path:
        """The file of the page that ``treadle report`` writes."""
        return self.folder / "report.html"

    def model(self) -> Model:
        """Load the trained network; RunError if the run is not finished."""
        if not self.model_path.is_file():
            raise RunError(
                f"{self.folder} is not finished ({len(self.history())} of {self.config.epochs} epochs): "
                f"go on with: treadle train --resume {shlex.quote(str(self.folder))}"
            )
        return load_model(self.model_path)

    def history(self) -> History:
        """Read the epochs so far from the checkpoint; history.csv is for people."""
        return Checkpoint.load(self.checkpoint_path).history if self.checkpoint_path.is_file() else History()

    def continued(self, config: RunConfig, environment: Mapping[str, str]) -> tuple[Run, list[str]]:
        """Return the run to resume with this configuration, and warnings.

        The configuration may have more epochs.

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
        """Train from the folder's last epoch to the end; return the model.

        It is then in its file.

        Parameters
        ----------
        engine : Engine
        dataset : Dataset
            What the configuration names.
        callbacks : a callback or function, a sequence of them, or None
            See ``treadle.training.callbacks``. A checkpoint is written after them.
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
    """Writes the folder's files while training goes on.

    An epoch may take less than a file that is to be safe on the disk. One that ends within a second of the
    last checkpoint waits in memory, and is written when training ends, however it ends.
    """

    def __init__(self, run: Run, on_start: Callable[[], None]) -> None:
        super().__init__(run.checkpoint_path)
        self._run = run
        self._on_start = on_start
        self._saved_at = 0.0
        self._waiting: Checkpoint | None = None

    def state(self) -> Arrays:
        """Return nothing: ``Run.continued`` has compared configuration and data."""
        return {}

    def on_fit_begin(self, training: Training) -> None:
        """Resume from the checkpoint, and remove what a finished run left."""
        super().on_fit_begin(training)
        if len(training.history) < self._run.config.epochs:
            self._run.model_path.unlink(missing_ok=True)
            self._run.report_path.unlink(missing_ok=True)
        if len(training.history):  # a process killed between the two files left the table behind
            self._write_history(training.history)
        self._saved_at = time.monotonic()
        self._on_start()

    def on_epoch_end(self, training: Training) -> None:
        """Save, or keep what is to be saved later."""
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_CHECKPOINTS:
            self._save(training)
        else:
            self._waiting = training.checkpoint()

    def on_fit_end(self, training: Training) -> None:
        """Save the last whole epoch, if it is not: also that before one which was interrupted or diverged."""
        super().on_fit_end(training)
        if self._waiting is not None:
            self._write(self._waiting)

    def _write(self, checkpoint: Checkpoint) -> None:
        self._waiting = None
        super()._write(checkpoint)
        self._write_history(checkpoint.history)
        self._saved_at = time.monotonic()

    def _write_history(self, history: History) -> None:
        write_atomically(self._run.folder / "history.csv", history.to_csv().encode())


def training_problem(config: RunConfig, dataset: Dataset) -> TrainingProblem:
    """Make the training problem of a configuration and a data set.

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
    """Return the scale and offset that standardise the training rows.

    All columns together then have mean 0 and deviation 1.
    """
    mean, deviation = dataset.moments
    if not deviation > 0:
        raise InvalidInput(
            f"{dataset.name} cannot be standardised: all numbers of its training rows are {mean}; "
            "leave standardise out"
        )
    return 1 / deviation, -mean / deviation


def _image_shape(option: str, dataset: Dataset) -> tuple[int, int]:
    """Return height and width; InvalidInput if the rows are no images.

    The option is one that is for images.
    """
    if dataset.image_shape is None:
        raise InvalidInput(
            f"{option} is for images, and the rows of {dataset.name} are none: leave {option} out"
        )
    return dataset.image_shape


def training_loop(config: RunConfig, engine: Engine, dataset: Dataset) -> TrainingLoop:
    """Make a configuration's training loop, at its start.

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
    """Make ``parent/name-1``, or the next free: processes never share a folder."""
    for n in count(1):
        folder = parent / f"{name}-{n}"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            break
    return folder

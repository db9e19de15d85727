"""A run of a classifier: its configuration, its folder, and the training that fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from treadle.data.dataset import Dataset
from treadle.engines.augmentation import Augmentation
from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.objective import Objective
from treadle.errors import InvalidInput, RunError
from treadle.export.model_file import Model, load_model, save_model
from treadle.network import Network, Parameters
from treadle.optimizers import SCHEDULES, SGD, Adam, AdamW, Optimizer
from treadle.runs.config import RunConfig, config_toml
from treadle.runs.configured_run import ConfiguredRun
from treadle.runs.run_folder import RunFiles
from treadle.training.callbacks import Training, as_callbacks
from treadle.training.loop import TrainingLoop, TrainingPlan


@dataclass(frozen=True)
class Run(ConfiguredRun[RunConfig]):
    """A run: its folder, its configuration, and the environment of its start.

    Examples
    --------
    >>> from treadle import Run, RunConfig, load_data, select_engine
    >>> run = Run.create("run", RunConfig("digits", hidden=(8,), epochs=2), {})
    >>> model = run.train(select_engine("numpy").engine, load_data("digits"))
    >>> model.network.sizes, len(Run.open("run").history())
    ((64, 8, 10), 2)
    """

    config_class = RunConfig

    def model(self) -> Model:
        """Load the trained network; RunError if the run is not finished."""
        self.check_finished(self.config.epochs)
        return load_model(self.model_path)

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
        self.refuse_changed(differences)
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
        return self.in_environment(config, environment)

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
        with self.in_training(config_toml(self.config, self.environment)):
            files = RunFiles(self, on_start)
            Training(loop, [*as_callbacks(callbacks), files]).run()
            model = Model(
                loop.parameters(), dataset.class_names, dataset.image_shape, dataset.scale, dataset.data_range
            )
            save_model(self.model_path, model)
            return model


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

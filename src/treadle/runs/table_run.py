"""A run on a table: its configuration, its folder, and the training that fills it.

The model's file is that of a fitted ``TableClassifier`` or ``TableRegressor``, which ``treadle.load`` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from treadle.errors import CorruptFile
from treadle.estimators.files.saving import load
from treadle.estimators.tables.fitting import Assignment, finished, with_best_epoch
from treadle.estimators.tables.table_classifier import TableClassifier
from treadle.estimators.tables.table_regressor import TableRegressor
from treadle.estimators.tables.table_targets import TableClasses
from treadle.runs.config import config_toml, differences
from treadle.runs.configured_run import ConfiguredRun
from treadle.runs.run_folder import RunFiles
from treadle.runs.table_config import TableConfig
from treadle.runs.table_data import TableData, class_labels
from treadle.tables.preparation.targets import Target
from treadle.training.callbacks import Training, as_callbacks


@dataclass(frozen=True)
class TableRun(ConfiguredRun[TableConfig]):
    """A run on a table: its folder, its configuration, and the environment of its start.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.runs.table_config import TableConfig
    >>> from treadle.runs.table_data import read_table_data
    >>> from treadle.runs.table_run import TableRun
    >>> frame = pd.DataFrame({"x": range(50), "y": [2.5 * x for x in range(50)]})
    >>> frame.to_csv("line.csv", index=False)
    >>> config = TableConfig("line.csv", target=("y",), columns=("x=number",), hidden=(4,), epochs=2)
    >>> model = TableRun.create("run", config, {}).train(read_table_data(config))
    >>> len(TableRun.open("run").history()), model.predict(frame[["x"]]).shape
    (2, (50,))
    """

    config_class = TableConfig

    def model(self) -> TableClassifier | TableRegressor:
        """Load the fitted estimator; RunError if the run is not finished."""
        self.check_finished(self.config.epochs)
        model = load(self.model_path)
        if not isinstance(model, TableClassifier | TableRegressor):
            raise CorruptFile(
                f"{self.model_path} holds a {type(model).__name__}, where an estimator of tables is needed: "
                f"restore it, or go on with: {self.resume_command}"
            )
        return model

    def target(self) -> Target:
        """Make the target of the fitted estimator, to read it from other tables."""
        model = self.model()
        names = tuple(use.name for use in model.columns_ if use.role == "target")
        if isinstance(model, TableClassifier):
            return Target(names, "classes", "as in training", (tuple(model.classes_.tolist()),))
        return Target(names, "numbers", "as in training")

    def continued(self, config: TableConfig, environment: Mapping[str, str]) -> tuple[TableRun, list[str]]:
        """Return the run to resume, and warnings.

        Raises
        ------
        RunError
            If the configuration differs, or the data are not those that the run began with.
        """
        self.refuse_changed(differences(self.config, config))
        return self.in_environment(config, environment)

    def train(
        self,
        data: TableData,
        assignment: Assignment | None = None,
        *,
        callbacks: object = None,
        on_start: Callable[[], None] = lambda: None,
    ) -> TableClassifier | TableRegressor:
        """Train from the folder's last epoch to the end; return the fitted estimator.

        It is then in its file.

        Parameters
        ----------
        data : TableData
            What the configuration names.
        assignment : Assignment, optional
            What ``assigned`` made of them; None: it is made.
        callbacks : a callback or function, a sequence of them, or None
            See ``treadle.training.callbacks``. A checkpoint is written after them.
        on_start : callable
            Called when all is known to be usable and the folder is there.

        Raises
        ------
        InvalidInput
            If the table or the configuration cannot be used; nothing is on the disk then.
        RunError
            If another process trains in the folder.
        TrainingDiverged
            If a loss is NaN or infinite; the folder keeps the last good checkpoint.
        OSError
            If the folder cannot be written or the disk is full.
        """
        assignment = assigned(self.config, data) if assignment is None else assignment
        loop = assignment.loop()
        best, hooks = with_best_epoch(as_callbacks(callbacks))
        with self.in_training(config_toml(self.config, self.environment)):
            Training(loop, [*hooks, RunFiles(self, on_start)]).run()
            model = assignment.recipe
            assert isinstance(model, TableClassifier | TableRegressor)
            model._become(finished(assignment, loop, best))
            # Whoever loads it predicts with the engine that is there.
            model.set_params(engine="auto").save(self.model_path)
        return model


def assigned(config: TableConfig, data: TableData) -> Assignment:
    """Prepare the rows of a run, and plan its training.

    Raises
    ------
    InvalidInput
        If the table or the configuration cannot be used.
    """
    classifies = data.target.task == "classes"
    estimator = config.estimator(classifies=classifies)
    kind = TableClasses(class_labels(data.target), multilabel=False) if classifies else None
    estimator._see_columns(data.train.table)
    return estimator._assignment(
        data.train,
        data.held_out,
        kind,
        config.seed,
        data.target.names,
        data.kinds,
        data.aside,
        data.whole,
    )

"""A run on a table: killed at any epoch it ends in the same bits; refused where it is another."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import treadle
from tests.estimators.tables.table_cases import houses
from treadle import CorruptFile, LADRegressor, RunError
from treadle.runs.table_config import TableConfig
from treadle.runs.table_data import read_table_data
from treadle.runs.table_run import TableRun, assigned


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    frame, price = houses(80)
    frame.assign(price=price).to_csv(path, index=False)
    return str(path)


@pytest.fixture(params=["price", "state"])
def config(request, path):
    return TableConfig(path, target=(request.param,), hidden=(8,), epochs=5, batch_size=16)


def test_a_killed_run_ends_in_the_same_bits(config, tmp_path):
    data = read_table_data(config)
    whole = TableRun.create(tmp_path / "whole", config, {})
    whole.train(data)
    run = TableRun.create(tmp_path / "killed", config, {})
    seen = []

    def power_fails(training):
        seen.append(training.record.epoch)
        if len(seen) in (2, 4):
            raise InterruptedError

    for _ in range(3):
        with suppress(InterruptedError):
            TableRun(run.folder, config, {}).train(data, callbacks=power_fails)
    assert seen == [1, 2, 3, 4, 5]
    strip = [[replace(one, seconds=0.0) for one in each.history()] for each in (whole, run)]
    assert strip[0] == strip[1]
    assert whole.model_path.read_bytes() == run.model_path.read_bytes()
    one, other = (treadle.load(each.model_path) for each in (whole, run))
    np.testing.assert_array_equal(one.predict(data.test.table), other.predict(data.test.table))
    np.testing.assert_array_equal(one._fitted.parameters.flat, other._fitted.parameters.flat)
    assert one.best_epoch_ == other.best_epoch_ and one.predict(data.test.table).shape == (16,)


def test_a_run_does_what_the_estimator_does(config, tmp_path):
    data = read_table_data(config)
    model = TableRun.create(tmp_path / "run", config, {}).train(data)
    alone = config.estimator(classifies=data.target.task == "classes")
    alone.fit(data.train.table, data.train.y, X_val=data.held_out.table, y_val=data.held_out.y)
    np.testing.assert_array_equal(model.predict(data.test.table), alone.predict(data.test.table))


def test_an_opened_run_knows_its_target(config, tmp_path):
    data = read_table_data(config)
    run = TableRun.create(tmp_path / "run", config, {})
    with pytest.raises(RunError, match="is not finished"):
        TableRun(run.folder, config, {}).model()
    run.train(data)
    opened = TableRun.open(run.folder)
    assert opened.config == config
    assert (opened.target().names, opened.target().classes) == (data.target.names, data.target.classes)


def test_another_configuration_or_other_data_are_refused(config, tmp_path):
    run = TableRun(tmp_path / "run", config, {"data_checksum": "a" * 64, "engine": "numpy", "numpy": "1"})
    environment = {"data_checksum": "a" * 64, "engine": "numpy", "numpy": "2"}
    with pytest.raises(RunError, match="was begun with epochs 5, not 6: resume it as it is"):
        run.continued(replace(config, epochs=6), environment)
    with pytest.raises(RunError, match=r"are not those that .* began with"):
        run.continued(config, {**environment, "data_checksum": "b" * 64})
    again, warnings = run.continued(config, environment)
    assert again.config == config and "this run began with numpy 1, and goes on with 2" in warnings[0]


def test_a_folder_that_holds_something_else_is_refused(config, tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        TableRun.open(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(RunError, match="is not empty"):
        TableRun.create(tmp_path, config, {})
    run = TableRun.create(tmp_path / "run", config, {})
    run.train(read_table_data(config))
    LADRegressor().fit([[0], [1], [2]], [0, 1, 2]).save(run.model_path)
    with pytest.raises(CorruptFile, match="holds a LADRegressor, where an estimator of tables is needed"):
        run.model()


def test_nothing_is_written_before_all_is_known_to_be_usable(config, tmp_path):
    data = read_table_data(config)
    with pytest.raises(treadle.InvalidInput):
        TableRun.create(tmp_path / "run", replace(config, hidden=(0,)), {}).train(data)
    assert not (tmp_path / "run").exists()
    assert assigned(config, data).plan.n_epochs == 5

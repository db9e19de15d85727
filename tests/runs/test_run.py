"""A run's folder: training into it, and going on after being stopped anywhere."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import treadle.engines.numpy_engine
import treadle.export.safetensors_file
import treadle.files
import treadle.runs.run_folder
from treadle import (
    CorruptFile,
    InvalidInput,
    Run,
    RunConfig,
    RunError,
    TrainingDiverged,
    load_data,
    load_model,
    select_engine,
)
from treadle.report.run_report import evaluate_model
from treadle.runs.environment import describe_environment
from treadle.runs.run import training_loop
from treadle.runs.run_folder import make_run_folder
from treadle.training.held_out import HeldOut

CONFIG = RunConfig("digits", hidden=(16, 8), epochs=3, batch_size=100, dropout=0.2, engine="numpy")


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def selection():
    return select_engine("numpy")


@pytest.fixture(scope="module")
def environment(selection, digits):
    return describe_environment(selection, digits.source, digits.checksum)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, selection, environment, digits):
    """A run that nothing interrupted."""
    run = Run.create(tmp_path_factory.mktemp("whole"), CONFIG, environment)
    run.train(selection.engine, digits)
    return run


def test_a_finished_run_has_its_files_and_opens_again(whole):
    names = {path.name for path in whole.folder.iterdir()}
    assert names == {"config.toml", "history.csv", "checkpoint.safetensors", "model.safetensors"}
    opened = Run.open(whole.folder)
    assert opened == whole
    assert [record.epoch for record in opened.history()] == [1, 2, 3]
    assert opened.model().network.sizes == (64, 16, 8, 10)


def test_the_model_file_predicts_what_the_history_says(whole, selection, digits):
    model = load_model(whole.model_path)
    predicted = selection.engine.predict(model.parameters, digits.X_test).argmax(axis=1)
    assert np.mean(predicted == digits.y_test) == whole.history()[-1].held_out_score


def test_the_environment_names_versions_engine_and_data(whole, digits):
    assert whole.environment["data_checksum"] == digits.checksum
    assert whole.environment["engine"] == "numpy"
    assert whole.environment["numpy"] == np.__version__


class Killed(BaseException):
    """Stands for a process that ends at once: nothing on the way catches it."""


@pytest.fixture
def seconds_between_checkpoints(monkeypatch):
    """Sets them for one test: 0 saves each epoch, infinity the last one alone."""
    return lambda seconds: monkeypatch.setattr(
        treadle.runs.run_folder, "SECONDS_BETWEEN_CHECKPOINTS", seconds
    )


@pytest.mark.parametrize(("seconds", "checkpoints"), [(0, CONFIG.epochs), (math.inf, 1)])
def test_killed_at_any_write_and_resumed_the_model_is_the_same_to_the_byte(
    tmp_path, monkeypatch, whole, selection, environment, digits, seconds, checkpoints
):
    write = treadle.files.write_atomically
    n_writes = 1 + 2 * checkpoints + 1  # config; checkpoint and history; model
    for last in range(n_writes + 1):
        for torn in (False, True):
            folder = tmp_path / f"{last}-{torn}"
            left = [last]

            def write_until_killed(path, data, left=left, torn=torn):
                if left[0] == 0:
                    if torn:
                        path.with_name(f".{path.name}.0{treadle.files.UNFINISHED}").write_bytes(data[:100])
                    raise Killed
                left[0] -= 1
                write(path, data)

            monkeypatch.setattr(treadle.runs.run_folder, "SECONDS_BETWEEN_CHECKPOINTS", seconds)
            for module in (treadle.runs.run_folder, treadle.export.safetensors_file):
                monkeypatch.setattr(module, "write_atomically", write_until_killed)
            run = Run.create(folder, CONFIG, environment)
            try:
                run.train(selection.engine, digits)
                assert last == n_writes
            except Killed:
                assert not run.model_path.exists()
            monkeypatch.undo()
            if (folder / "config.toml").exists():
                run, warnings = Run.open(folder).continued(CONFIG, environment)
                assert warnings == []
            run.train(selection.engine, digits)
            assert run.model_path.read_bytes() == whole.model_path.read_bytes()
            assert [replace(r, seconds=0) for r in run.history()] == [
                replace(r, seconds=0) for r in whole.history()
            ]
            assert not list(folder.glob(".*"))


def saved_after_each_epoch(run, selection, digits):
    """How many epochs the checkpoint has, and how many lines history.csv, when the next epoch has ended."""
    seen = []

    def look(training):
        table = run.folder / "history.csv"
        seen.append((len(run.history()), len(table.read_text().splitlines()) - 1 if table.exists() else 0))

    run.train(selection.engine, digits, callbacks=look)
    return seen


@pytest.mark.parametrize(
    ("tick", "expected"),
    [(2.0, [0, 1, 2]), (0.6, [0, 0, 2]), (0.01, [0, 0, 0])],
    ids=["2 s", ".6 s", ".01 s"],
)
def test_a_checkpoint_is_written_once_a_second_and_at_the_end(
    tmp_path, monkeypatch, selection, environment, digits, tick, expected
):
    """By a clock that each look moves on: an epoch is one look, and a look more where it is saved."""
    clock = itertools.count(0.0, tick)
    monkeypatch.setattr(treadle.runs.run_folder.time, "monotonic", lambda: next(clock))
    run = Run.create(tmp_path / "run", CONFIG, environment)
    seen = saved_after_each_epoch(run, selection, digits)
    assert seen == [(n, n) for n in expected]
    assert len(run.history()) == 3
    assert (run.folder / "history.csv").read_text() == run.history().to_csv()


@pytest.mark.parametrize("moment", ["steps", "evaluation"])
def test_interrupted_within_an_epoch_the_last_whole_one_is_saved(
    tmp_path, monkeypatch, whole, selection, environment, digits, seconds_between_checkpoints, moment
):
    """At the evaluation the trainer has gone on already, and the history has not."""
    seconds_between_checkpoints(math.inf)
    run = Run.create(tmp_path / "run", CONFIG, environment)
    owner, name = {
        "steps": (treadle.engines.numpy_engine.NumpyTrainer, "run_epoch"),
        "evaluation": (HeldOut, "evaluate"),
    }[moment]
    call, calls = getattr(owner, name), itertools.count(1)

    def interrupted_at_the_third(*arguments):
        result = call(*arguments)
        if next(calls) == 3:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(owner, name, interrupted_at_the_third)
        run.train(selection.engine, digits)
    assert len(run.history()) == 2
    run.train(selection.engine, digits)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()


def test_a_run_prolonged_is_a_run_planned_longer(tmp_path, selection, environment, digits, whole):
    run = Run.create(tmp_path / "run", replace(CONFIG, epochs=1), environment)
    run.train(selection.engine, digits)
    longer, _ = Run.open(run.folder).continued(CONFIG, environment)
    longer.train(selection.engine, digits)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    assert Run.open(run.folder).config.epochs == 3


def test_while_a_prolonged_run_trains_it_has_no_model(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", replace(CONFIG, epochs=1), environment)
    run.train(selection.engine, digits)
    longer, _ = run.continued(replace(CONFIG, epochs=2), environment)
    longer.train(
        selection.engine,
        digits,
        callbacks=lambda training: (not run.model_path.exists()) or pytest.fail("model"),
    )


def test_another_configuration_cannot_resume_a_run(whole, environment):
    with pytest.raises(RunError, match=r"was begun with hidden \(16, 8\), not \(9,\): resume it as it is"):
        whole.continued(replace(CONFIG, hidden=(9,)), environment)


def test_fewer_epochs_than_are_done_are_refused(whole, environment):
    with pytest.raises(RunError, match="has 3 epochs behind it: it cannot be resumed for 2"):
        whole.continued(replace(CONFIG, epochs=2), environment)


def test_a_schedule_with_an_end_cannot_be_prolonged(tmp_path, selection, environment, digits):
    config = replace(CONFIG, schedule="cosine")
    run = Run.create(tmp_path / "run", config, environment)
    with pytest.raises(RunError, match=r"planned for 3 epochs and its schedule cosine depends on that"):
        run.continued(replace(config, epochs=4), environment)


def test_other_data_cannot_resume_a_run(whole, environment):
    with pytest.raises(RunError, match=r"the data digits are not those that .* began with"):
        whole.continued(CONFIG, {**environment, "data_checksum": "0" * 64})


def test_another_version_resumes_with_a_warning(whole, environment):
    _, warnings = whole.continued(CONFIG, {**environment, "numpy": "9.9"})
    assert len(warnings) == 1
    assert f"began with numpy {np.__version__}, and goes on with 9.9" in warnings[0]


def test_another_processor_warns_unless_its_bits_are_the_same(whole, environment):
    began = {**environment, "engine": "native", "kernels": "avx2", "processor": "One"}
    now = {**began, "kernels": "neon", "processor": "Another"}
    _, warnings = replace(whole, environment=began).continued(CONFIG, now)
    assert warnings == []
    rounded = replace(CONFIG, precision="bfloat16")
    _, warnings = replace(whole, config=rounded, environment=began).continued(rounded, now)
    assert ["kernels avx2" in warnings[0], "processor One" in warnings[1]] == [True, True]
    _, warnings = replace(whole, environment={**began, "engine": "numpy"}).continued(
        CONFIG, {**now, "engine": "numpy"}
    )
    assert len(warnings) == 2


def test_a_folder_with_something_in_it_is_refused(tmp_path, environment):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"is not empty: name another folder with --out$"):
        Run.create(tmp_path, CONFIG, environment)
    (tmp_path / "config.toml").touch()
    with pytest.raises(RunError, match=r"with --out, or go on with what is there: treadle train --resume"):
        Run.create(tmp_path, CONFIG, environment)


def test_a_folder_without_a_run_cannot_be_opened(tmp_path):
    with pytest.raises(RunError, match=r"holds no run \(no config.toml\)"):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = 3", r"config\.toml: there is no option 'learning_rat'; allowed are data, "),
        ("hidden = 3", r"config\.toml: hidden must be a list of integers; got 3"),
        ('learning_rate = "0.1"', r"config\.toml: learning_rate must be a finite number; got '0\.1'"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        Run.open(tmp_path)


def test_a_lost_or_damaged_history_file_is_no_loss(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", CONFIG, environment)
    run.train(selection.engine, digits)
    before = run.history()
    (run.folder / "history.csv").write_bytes(b"\xff\xff")
    run.train(selection.engine, digits)
    assert Run.open(run.folder).history() == before
    assert (run.folder / "history.csv").read_text() == before.to_csv()


def test_a_damaged_checkpoint_is_told_with_its_file(tmp_path, environment):
    run = Run.create(tmp_path, CONFIG, environment)
    run.checkpoint_path.write_bytes(b"nothing")
    with pytest.raises(CorruptFile, match=r"checkpoint\.safetensors is not a file that treadle wrote"):
        run.history()


def test_two_processes_do_not_train_in_one_folder(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", CONFIG, environment)
    run.folder.mkdir()
    with (
        treadle.files.locked(run.folder),
        pytest.raises(RunError, match=r"another process trains in .*run: wait for it, or name another"),
    ):
        run.train(selection.engine, digits)
    run.train(selection.engine, digits)


def test_one_class_is_refused(selection, digits):
    one = replace(digits, y_train=digits.y_train * 0, y_test=digits.y_test * 0, class_names=("zero",))
    with pytest.raises(InvalidInput, match="has the class zero alone: a classifier needs at least two"):
        training_loop(CONFIG, selection.engine, one)


def test_an_unfinished_run_has_no_model(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", CONFIG, environment)

    def stop(training):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.train(selection.engine, digits, callbacks=stop)
    with pytest.raises(RunError, match=r"not finished \(1 of 3 epochs\): go on with: treadle train --resume"):
        run.model()


def test_a_value_that_cannot_be_used_leaves_nothing_on_the_disk(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", replace(CONFIG, learning_rate=-1.0), environment)
    with pytest.raises(InvalidInput, match=r"learning_rate must be positive and finite; got -1\.0"):
        run.train(selection.engine, digits)
    assert not run.folder.exists()


def test_a_loss_that_diverges_keeps_the_last_good_checkpoint(tmp_path, selection, environment, digits):
    config = replace(CONFIG, optimizer="sgd", learning_rate=1e30, dropout=0.0)
    run = Run.create(tmp_path / "run", config, environment)
    with pytest.raises(
        TrainingDiverged, match=r"epoch 1: the loss became (nan|inf) at step \d+ of the epoch"
    ):
        run.train(selection.engine, digits)
    assert not run.model_path.exists()


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle", "cosine", "inverse_scaling", "adaptive"])
def test_every_optimizer_and_schedule_resumes_to_the_same_bytes(
    tmp_path, selection, environment, digits, optimizer, schedule
):
    weight_decay = 0.01 if optimizer == "adamw" else 0.0
    config = replace(CONFIG, optimizer=optimizer, weight_decay=weight_decay, schedule=schedule, epochs=2)
    whole = Run.create(tmp_path / "whole", config, environment)
    whole.train(selection.engine, digits)
    run = Run.create(tmp_path / "run", config, environment)

    def stop(training):
        raise Killed

    with pytest.raises(Killed):
        run.train(selection.engine, digits, callbacks=stop)
    run.train(selection.engine, digits)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()


def test_new_folders_count_on(tmp_path):
    assert [make_run_folder(tmp_path / "runs", "digits").name for _ in range(3)] == [
        "digits-1",
        "digits-2",
        "digits-3",
    ]


EVERYTHING = replace(
    CONFIG,
    hidden=(32, 16),
    epochs=4,
    learning_rate=0.02,
    batch_norm=True,
    standardise=True,
    flip=True,
    shift=1,
    mirror=True,
    average=2,
)


def test_a_run_with_every_option_interrupted_anywhere_ends_in_the_same_bits(
    tmp_path, selection, environment, digits
):
    whole = Run.create(tmp_path / "whole", EVERYTHING, environment)
    whole.train(selection.engine, digits)
    for n_before in (1, 2, 3):
        run = Run.create(tmp_path / f"stopped-{n_before}", EVERYTHING, environment)

        def stop(training, n_before=n_before):
            if training.record.epoch == n_before:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run.train(selection.engine, digits, callbacks=stop)
        Run.open(run.folder).train(selection.engine, digits)
        assert run.model_path.read_bytes() == whole.model_path.read_bytes()


def test_the_model_of_a_run_with_every_option_predicts_what_its_history_says(
    tmp_path, selection, environment, digits
):
    run = Run.create(tmp_path / "run", EVERYTHING, environment)
    run.train(selection.engine, digits)
    model = run.model()
    seen = digits.X_train * model.network.input_scale + model.network.input_offset
    assert abs(seen.mean()) <= 1e-9 and abs(seen.std() - 1) <= 1e-9
    assert (model.network.mirror_width, model.network.batch_norm, model.data_scale) == (8, True, 1 / 16)
    evaluation = evaluate_model(model, selection.engine, digits)
    assert evaluation.accuracy == run.history()[-1].held_out_score > 0.5
    # The same rows in other units: what a standardised model needs its data_scale for.
    bytes_of_255 = replace(digits, X_test=np.rint(digits.X_test * (255 / 16)).astype(np.uint8), scale=1 / 255)
    other = evaluate_model(model, selection.engine, bytes_of_255)
    assert abs(other.accuracy - evaluation.accuracy) <= 0.02 and abs(other.loss - evaluation.loss) <= 0.02


def without_images(digits):
    return replace(digits, image_shape=None)


@pytest.mark.parametrize(
    "options", [{"flip": True}, {"shift": 1}, {"mirror": True}], ids=lambda options: next(iter(options))
)
def test_an_option_for_images_is_refused_for_rows_that_are_none(selection, digits, options):
    (option,) = options
    with pytest.raises(
        InvalidInput, match=f"{option} is for images, and the rows of digits are none: leave {option} out"
    ):
        training_loop(replace(CONFIG, **options), selection.engine, without_images(digits))


def test_rows_that_are_all_one_number_cannot_be_standardised(selection, digits):
    flat = replace(digits, X_train=np.full_like(digits.X_train, 3))
    with pytest.raises(InvalidInput, match=r"digits cannot be standardised: all numbers .* are 3\.0; leave"):
        training_loop(replace(CONFIG, standardise=True), selection.engine, flat)


def test_more_epochs_to_average_than_to_train_are_refused(selection, digits):
    with pytest.raises(
        InvalidInput, match="the epochs to average over must be from 1 to the 3 of the training"
    ):
        training_loop(replace(CONFIG, average=4), selection.engine, digits)


def test_a_run_that_averages_is_not_prolonged(tmp_path, selection, environment, digits):
    run = Run.create(tmp_path / "run", replace(CONFIG, epochs=2, average=2), environment)
    run.train(selection.engine, digits)
    with pytest.raises(
        RunError,
        match="was planned for 2 epochs, the last 2 of them to be averaged: it cannot be resumed for 3",
    ):
        run.continued(replace(run.config, epochs=3), environment)

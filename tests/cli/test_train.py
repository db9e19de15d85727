"""``treadle train`` as a person calls it."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from treadle import Run
from treadle.cli import run

QUICK = ["--hidden", "16,8", "--batch-size", "100"]


def command(*arguments):
    return [sys.executable, "-m", "treadle", *arguments]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_training_prints_a_table_the_accuracy_and_the_report(tmp_path, capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "2"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[0] == "digits, classic recipe, native engine, in runs/digits-1"
    assert " ".join(err.splitlines()[1].split()) == (
        "epoch train loss test loss test accuracy learning rate seconds"
    )
    assert [line.split()[0] for line in err.splitlines()[2:]] == ["1", "2"]
    assert re.search(r"^test accuracy  \d+\.\d\d%  \(95 % interval", out, re.M)
    assert re.search(r"^report         runs/digits-1/report.html$", out, re.M)
    assert {path.name for path in (tmp_path / "runs/digits-1").iterdir()} == {
        "config.toml",
        "history.csv",
        "checkpoint.safetensors",
        "model.safetensors",
        "report.html",
        "curves.png",
        "confusion.png",
        "predictions.png",
    }


def test_json_is_one_document_on_standard_output(capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "2", "--json", "--out", "here"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["run"] == "here"
    assert result["test"]["accuracy"] == result["history"][-1]["held_out_score"]
    assert len(result["history"]) == 2


def resolved(folder):
    return tomllib.loads(Path(folder, "config.toml").read_text())


def test_a_flag_goes_before_the_file_and_the_file_before_the_recipe(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'data = "digits"\nhidden = [5]\nepochs = 1\nl2 = 0.5\nbatch_size = 500\n'
    )
    assert run(["train", "--config", "mine.toml", "--l2", "0.25", "--out", "run"]) == 0
    config = resolved("run")
    assert (config["data"], config["hidden"], config["l2"], config["learning_rate"]) == (
        "digits",
        [5],
        0.25,
        0.001,
    )


def test_a_runs_configuration_repeats_the_run_to_the_byte(tmp_path):
    assert run(["train", "digits", *QUICK, "--epochs", "2", "--seed", "3", "--out", "a"]) == 0
    assert run(["train", "--config", "a/config.toml", "--out", "b"]) == 0
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_another_seed_is_another_model(tmp_path):
    for seed in ("0", "1"):
        assert run(["train", "digits", *QUICK, "--epochs", "1", "--seed", seed, "--out", seed]) == 0
    assert (tmp_path / "0/model.safetensors").read_bytes() != (tmp_path / "1/model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--epocs", "3"], 2, r"Unknown option: --epocs\. Did you mean --epochs\?"),
        (["train", "digits", "--engine", "abacus"], 2, r'Invalid value "abacus" for --engine'),
        (["train", "digits", "--recipe", "quick"], 2, r'Invalid value "quick" for --recipe'),
        (["train", "digits", "--epochs", "0"], 2, "epochs must be at least 1; got 0"),
        (["train", "digits", "--epochs", "many"], 2, "--epochs"),
        (["train", "digits", "--hidden", "16,-2"], 2, r"sizes must be two or more positive integers.*-2"),
        (
            ["train", "digits", "--learning-rate", "nan"],
            2,
            "learning_rate must be a finite number; got nan",
        ),
        (["train", "digits", "--dropout", "1"], 2, "dropout must be at least 0 and below 1; got 1.0"),
        (["train", "digits", "--seed", "-1"], 2, "seed"),
        (["train", "digits", "--weight-decay", "0.1"], 2, "weight_decay needs the optimizer adamw"),
        (["train", "digits", "--config", "none.toml"], 2, "none.toml cannot be read: No such file"),
        (["train", "digits", "--out", "a", "--resume", "b"], 2, "--out and --resume exclude each other"),
        (["train", "--resume", "nowhere"], 1, r"nowhere holds no run \(no config.toml\)"),
        (["train", "fashion-minst"], 2, "fashion-mnist"),
        (
            ["train", "digits", "--out", "file/run"],
            1,
            "file/run.*: Not a directory; see that it can be written, or name another folder with --out",
        ),
        (["unknown"], 2, 'Unknown command "unknown"'),
    ],
)
def test_a_wrong_call_is_told_in_one_line(tmp_path, capsys, arguments, code, message):
    (tmp_path / "file").touch()
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(message, err)
    assert err.startswith("treadle: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_debug_shows_where_it_failed(capsys):
    assert run(["train", "--resume", "nowhere", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_unknown_keys_of_a_file_are_refused(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text("epoch = 3\n")
    assert run(["train", "digits", "--config", "mine.toml"]) == 2
    assert re.search(
        r"mine.toml: there is no option 'epoch'; allowed are data, recipe, ", capsys.readouterr().err
    )


@pytest.mark.parametrize("spoil", ["label", "nan", "empty"])
def test_bad_data_is_refused_before_a_run_begins(tmp_path, capsys, spoil):
    X, y = np.ones((20, 3), np.float32), np.arange(20) % 2
    if spoil == "nan":
        X[7, 1] = np.nan
    y_test = y + 5 if spoil == "label" else y
    X_train, y_train = (X[:0], y[:0]) if spoil == "empty" else (X, y)
    np.savez("bad.npz", X_train=X_train, y_train=y_train, X_test=X, y_test=y_test)
    code = run(["train", "bad.npz"])
    err = capsys.readouterr().err
    assert code in (1, 2)
    assert re.search({"label": "y_test", "nan": "X_train.*nan", "empty": "training.* empty"}[spoil], err)
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_loss_that_diverges_is_told_and_leaves_no_model(tmp_path, capsys):
    code = run(["train", "digits", *QUICK, "--optimizer", "sgd", "--learning-rate", "1e30", "--out", "run"])
    assert code == 1
    assert "try a smaller learning rate" in capsys.readouterr().err
    assert not (tmp_path / "run/model.safetensors").exists()


def limit_files_to_20_kb():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_is_told_and_the_run_is_not_passed_off_as_whole(tmp_path, capsys):
    done = subprocess.run(
        command("train", "digits", "--epochs", "2", "--out", "run"),
        capture_output=True,
        text=True,
        preexec_fn=limit_files_to_20_kb,
    )
    assert done.returncode == 1
    assert re.search(r"run/checkpoint.safetensors: File too large; make room", done.stderr.splitlines()[-1])
    assert run(["evaluate", "run"]) == 1
    assert "run is not finished (0 of 2 epochs)" in capsys.readouterr().err


def start(*arguments):
    return subprocess.Popen(
        command("train", *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # In the background of some shells it is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_epoch(process, epoch):
    for line in process.stderr:
        if line.split()[:1] == [str(epoch)]:
            return
    raise AssertionError(f"epoch {epoch} was not printed")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_saves_the_last_epoch_and_going_on_ends_in_the_same_bytes(tmp_path, number, code):
    process = start("digits", *QUICK, "--epochs", "200", "--out", "run")
    wait_for_epoch(process, 2)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    (n,) = re.findall(r"stopped; (\d+) of 200 epochs are saved. Go on with: treadle train --resume run", err)
    assert int(n) >= 2
    assert "Traceback" not in err
    assert not (tmp_path / "run/model.safetensors").exists()
    assert not list((tmp_path / "run").glob(".*"))
    assert run(["train", "--resume", "run"]) == 0
    assert run(["train", "digits", *QUICK, "--epochs", "200", "--out", "whole"]) == 0
    assert (tmp_path / "run/model.safetensors").read_bytes() == (
        tmp_path / "whole/model.safetensors"
    ).read_bytes()


def test_a_handler_of_signals_is_there_while_it_trains_alone():
    before = signal.getsignal(signal.SIGTERM)
    assert run(["train", "digits", *QUICK, "--epochs", "1", "--out", "run"]) == 0
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_handler_that_python_could_not_put_back_stays(monkeypatch):
    before, set_handler, handlers = signal.getsignal(signal.SIGTERM), signal.signal, []

    def spy(number, handler):
        handlers.append(number)
        return set_handler(number, handler)

    # What Python says of a handler that was there before it, written in C.
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", spy)
    assert run(["train", "digits", *QUICK, "--epochs", "1", "--out", "run"]) == 0
    monkeypatch.undo()
    assert signal.SIGTERM not in handlers and signal.getsignal(signal.SIGTERM) == before


def test_it_trains_in_a_thread_which_may_set_no_handler():
    with ThreadPoolExecutor(1) as threads:
        code = threads.submit(run, ["train", "digits", *QUICK, "--epochs", "1", "--out", "run"]).result()
    assert code == 0


SLOW = ["--hidden", "256,256", "--batch-size", "8", "--epochs", "150"]  # some seconds


def test_killed_again_and_again_it_still_ends_in_the_same_bytes(tmp_path):
    """The first time before there is a checkpoint, or soon after; then each time that there is another."""
    process = start("digits", *SLOW, "--out", "run")
    wait_for_epoch(process, 1)
    seen = []
    for _ in range(2):
        process.kill()
        process.wait()
        process.stderr.close()
        seen.append(len(Run.open("run").history()))
        process = start("--resume", "run")
        checkpoint, deadline = tmp_path / "run/checkpoint.safetensors", time.monotonic() + 60
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        while (checkpoint.stat().st_mtime_ns if checkpoint.exists() else None) == before:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 0
    assert seen == sorted(set(seen)) and f"going on after epoch {seen[-1]} of 150" in err
    assert run(["train", "digits", *SLOW, "--out", "whole"]) == 0
    assert (tmp_path / "run/model.safetensors").read_bytes() == (
        tmp_path / "whole/model.safetensors"
    ).read_bytes()


def test_a_finished_run_can_be_prolonged_by_a_flag(tmp_path, capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "1", "--out", "run"]) == 0
    assert run(["train", "--resume", "run", "--epochs", "2"]) == 0
    assert "going on after epoch 1 of 2" in capsys.readouterr().err
    assert resolved("run")["epochs"] == 2


def test_a_resumed_run_refuses_other_flags(capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "1", "--out", "run"]) == 0
    assert run(["train", "--resume", "run", "--seed", "5"]) == 1
    assert "was begun with seed 0, not 5" in capsys.readouterr().err


def test_runs_started_together_get_folders_of_their_own(tmp_path):
    processes = [
        subprocess.Popen(
            command("train", "digits", *QUICK, "--epochs", "1", "--seed", str(seed)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for seed in range(3)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    seeds = {resolved(f"runs/digits-{n}")["seed"] for n in (1, 2, 3)}
    assert seeds == {0, 1, 2}


def test_a_folder_named_like_markup_is_told_as_it_is(capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "1", "--out", "a[/b]c :x:"]) == 0
    assert capsys.readouterr().err.splitlines()[0].endswith("in a[/b]c :x:")


def test_a_run_on_a_file_is_of_use_from_elsewhere(tmp_path, monkeypatch, capsys):
    X, y = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    np.savez("mine.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    assert run(["train", "mine.npz", "--epochs", "1", "--out", "run"]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(["report", "../run"]) == 0
    assert run(["train", "--resume", "../run"]) == 0


def test_the_report_of_a_resumed_run_counts_all_its_training(capsys):
    assert run(["train", "digits", *QUICK, "--epochs", "2", "--out", "run"]) == 0
    capsys.readouterr()
    assert run(["train", "--resume", "run", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["seconds"]["training"] == pytest.approx(sum(row["seconds"] for row in result["history"]))
    assert result["seconds"]["evaluation of each epoch, checkpoints"] > 0


def test_what_a_terminal_would_obey_is_told_as_an_escape(capsys):
    assert run(["train", "a\x1b[31mb"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "31mb" in err

"""The benchmark's one command: trials, wrong calls, and other programs' work."""

import subprocess
import sys
import time

import numpy as np
import pytest

from tests.benchmarks.one_run import BENCHMARKS, run_benchmark

TRIAL = ("--rivals", "numpy", "--rounds", "1", "--rows", "640", "--threads", "1")


def test_a_trial_prints_the_page_and_writes_nothing(fashion_mnist):
    before = {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")}
    ran = run_benchmark(*TRIAL, "--sections", "classic")
    assert ran.returncode == 0, ran.stderr
    assert "A trial, smaller than the standard run." in ran.stdout
    assert "| treadle, NumPy engine, one thread |" in ran.stdout
    assert "n: 1 timed epoch each" in ran.stdout
    assert "GFLOP/s in float32" in ran.stdout
    assert "A trial: nothing is written" in ran.stderr
    assert {path: path.read_bytes() for path in BENCHMARKS.glob("results/*")} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rivals", "keras"), "--rivals: there is no keras; there are native, "),
        (("--sections", "prices"), "--sections: there is no prices; there are classic, "),
        (("--rounds", "0"), "--rounds, --threads and --rows must be at least 1"),
        (("--rows", "0"), "--rounds, --threads and --rows must be at least 1"),
        (("--threads", "4096"), "--threads 4096 is more than the"),
    ],
)
def test_a_wrong_call_is_refused(arguments, message):
    ran = run_benchmark(*arguments)
    assert ran.returncode == 2
    assert message in ran.stderr


def test_the_work_of_others_is_counted_and_ones_own_is_not():
    import machine

    def work(seconds):
        start = time.process_time()
        while time.process_time() - start < seconds:
            pass

    processors = machine.available_processors()
    if machine.busy_seconds(processors) is None:
        pytest.skip("this system does not count its processors' work in /proc/stat")
    before = machine.busy_seconds(processors)
    work(0.3)
    assert machine.busy_seconds(processors) - before >= 0.25
    # A child that has not ended yet is another program.
    busy = "import time; start = time.perf_counter()\nwhile time.perf_counter() - start < 30: pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as child:
        try:
            with machine.OthersWatch(processors) as watch:
                time.sleep(0.5)
        finally:
            child.kill()
    assert watch.taken >= 0.3


def test_a_section_that_others_disturbed_is_told_from_one_that_they_did_not():
    from run import OTHERS_ALLOWED, disturbed

    assert not disturbed({"others": None})
    assert not disturbed({"others": OTHERS_ALLOWED})
    assert disturbed({"others": OTHERS_ALLOWED + 0.01})
    assert disturbed({"others": float("nan")})


def test_an_epochs_multiplications_are_those_of_its_products():
    from recipe import Recipe

    # Forward: 3 x 2 and 2 x 1; weights' gradients: as many; the hidden layer's gradient: 2 x 1.
    assert Recipe(sizes=(3, 2, 1)).multiplications(10) == 10 * (8 + 8 + 2)
    assert Recipe(sizes=(3, 2, 1)).n_parameters == 11
    assert Recipe(batch_size=64).n_steps(130) == 3


def test_the_floor_grows_with_the_work_and_no_program_is_below_it():
    from floor import adam_seconds, floor, rate
    from recipe import Recipe

    recipe = Recipe()
    assert floor(recipe, 2000, 1) > floor(recipe, 1000, 1) > 0
    assert adam_seconds(2_000_000, 1) > adam_seconds(200_000, 1)
    # BLAS takes at least the time of its multiplications.
    a = np.ones((512, 512), np.float32)
    a @ a
    times = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    assert min(times) >= 0.5 * 512**3 / rate("float32", 2)


def test_outputs_are_compared_so_that_not_a_number_and_other_shapes_fail():
    from sections.prediction import TOLERANCE, largest_difference

    expected = np.full((2, 3), 1 / 3)
    assert largest_difference(expected.astype(np.float32), expected) <= TOLERANCE
    for wrong in (expected + 2e-5, np.where(expected, np.nan, 0), expected[:1]):
        assert not largest_difference(wrong, expected) <= TOLERANCE


def test_seconds_belong_to_the_innermost_stopwatch():
    from command_parts import Stopwatches

    class Clocked:
        @staticmethod
        def inner():
            time.sleep(0.05)

    watches = Stopwatches()
    watches.around(Clocked, "inner", "inner")
    start = time.perf_counter()
    with watches.part("outer"):
        time.sleep(0.02)
        Clocked.inner()
    elapsed = time.perf_counter() - start
    assert watches.seconds["inner"] >= 0.05
    assert 0.02 <= watches.seconds["outer"] <= elapsed - 0.05
    assert sum(watches.seconds.values()) <= elapsed


def test_the_pages_say_what_was_measured():
    from sections import command, growth, prediction

    measured = [
        {"name": "treadle", "versions": {}, "losses": [2, 1], "seconds": [s], "floor": 0.5} for s in (1, 3)
    ]
    cases = [
        {"kind": "rows", "value": 100, "recipe": {}, "rows": 50, "threads": 2},
        {"kind": "rows", "value": 200, "recipe": {}, "rows": 200, "threads": 2},
    ]
    text = growth.page({"name": "treadle", "cases": cases, "measured": measured})
    assert "| 100 (50) | 1.000 | 1.000 to 1.000 | 0.500 | 2.00 |  |" in text
    assert "| 200 | 3.000 | 3.000 to 3.000 | 0.500 | 6.00 | 3.00 |" in text

    predictors = [
        {"name": name, "versions": {}, "difference": 1e-7, "quartiles": [1.5e-5, 2e-5, 2.5e-5]}
        for name in ("a", "b")
    ]
    text = prediction.page({"cases": [{"images": 1, "rounds": 5, "calls": 3, "predictors": predictors}]})
    assert "1 image, 5 times 3 calls" in text
    assert "| b | 20.0 | 15.0 to 25.0 | 1.00 | 1e-07 |" in text

    parts = {"float32": {"training": 3.0, "imports": 1.0}}
    record = {
        "epochs": 20,
        "engine": "native",
        "seconds": {"float32": [4.0, 5.0]},
        "parts": parts,
        "script": 90.0,
    }
    text = command.page(record)
    assert "| treadle, native engine, float32 | 4.50 | 4.00 to 5.00 | 2 | 1.00 |" in text
    assert "| the reference script, without pictures | 90.00 |  | 1 | 20.00 |" in text
    assert "| together | 4.000 |" in text


def test_the_page_of_accuracies_holds_mean_spread_and_difference_to_the_first():
    from accuracy import Score, page

    scores = {
        "PyTorch": [Score(0.88, 0.4, 20.0), Score(0.90, 0.3, 22.0)],
        "treadle": [Score(0.89, 0.3, 2.0), Score(0.90, 0.3, 3.0)],
    }
    conditions = {"date": "2026-01-02", "processor": "a processor", "processors": 2, "kernels": "avx2"}
    text = page("classic", scores, conditions)
    assert "| PyTorch | 89.00 | 1.41 | 88.00 to 90.00 | 0.3500 | +0.00 ± 0.00 |" in text
    assert "| treadle | 89.50 | 0.71 | 89.00 to 90.00 | 0.3000 | +0.50 ± 0.50 |" in text
    assert "| 0 | 88.00 | 89.00 |" in text
    text = page("fast", {"treadle": scores["treadle"]}, conditions)
    assert "| treadle | 89.50 | 0.71 | 89.00 to 90.00 | 0.3000 | 2.50 |" in text
    assert "accuracy.py --recipe fast" in text


def test_pytorch_starts_from_the_parameters_of_treadle():
    torch = pytest.importorskip("torch")

    from rivals.torch_in_memory import copy_parameters, perceptron
    from treadle.engines.numpy_engine import NumpyEngine
    from treadle.network import Network, Parameters

    sizes = (5, 4, 3)
    parameters = Parameters.initialise(Network(sizes), "torch", 3)
    model = perceptron(sizes)
    copy_parameters(model, parameters)
    X = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(logits, NumpyEngine().logits(parameters, X), rtol=1e-5, atol=1e-6)

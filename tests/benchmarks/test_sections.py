"""Every section on every kind of processor that treadle has kernels for, with contests that take no time."""

import json
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from treadle.hardware.native.extension import is_built

# Kernels that the native engine takes in float32, and whether there is a unit for bfloat16: all that
# `treadle info` can name. AVX512_BF16 and AMX have one.
KINDS = [
    ("portable", False),
    ("avx2", False),
    ("avx512", False),
    ("avx512", True),
    ("neon", False),
]

RATES = ("float32_gflops", "float32_width", "bfloat16_gflops", "adam_microseconds")
COMMANDS = {
    "epochs": 1,
    "engine": "native",
    "seconds": {"float32": [1.0]},
    "parts": {"float32": {"imports": 1.0}},
    "script": None,
    "others": None,
}


def conditions(**rates):
    """A machine as the page describes it."""
    words = dict.fromkeys(("processor", "processors", "system", "python", "date"), "x")
    return {**words, "threads": 2, "rounds": 1, "trial": True, "rates": {**dict.fromkeys(RATES, 0), **rates}}


class Rates:
    """The floor's library as on a processor with a unit for bfloat16, and as strict about its names."""

    def float32_count(self, repeats):
        return 96

    def bfloat16_count(self, repeats):
        return 384

    def float32_multiply_adds(self, repeats):
        return 1e-9

    bfloat16_multiply_adds = float32_multiply_adds

    def adam_passes(self, w, m, v, n, repeats):
        return 1e-6 * repeats


@pytest.fixture
def rates(monkeypatch):
    import floor

    for cached in (floor.rate, floor.adam_seconds):
        cached.cache_clear()
    monkeypatch.setattr(floor, "_library", Rates)
    yield
    for cached in (floor.rate, floor.adam_seconds):
        cached.cache_clear()


@pytest.fixture
def settings_of():
    from settings import Settings

    def of(kernels, bfloat16, rivals=None):
        return Settings(1, 2, 0, 64, rivals, kernels, None if bfloat16 else "no bfloat16 kernel here")

    return of


def answer_of(task, i):
    """What any contestant would answer in round i, whatever it measures."""
    loss = 1 / (1 + i)
    common = {"seconds": 1.0 + i, "loss": loss, "alone": 0.5, "beside": 1.0, "build": 1.0, "predict": 1.0}
    return {**common, "error": 0.0, "objective": 1.0, "megabytes": None, "score": 0.9}


def played(contestants, rounds):
    """As ``contest.play``: nobody starts, and everyone has trained."""
    answers = []
    for contestant in contestants:
        task = contestant.task
        name = " ".join([contestant.script, *contestant.environment.values(), *map(str, vars(task).values())])
        if contestant.script == "prediction_worker.py":
            np.save(task.output, expected_of(task.n_images))
            rows = [{"seconds": [1e-3, 2e-3]}] * (rounds + 1)
        else:
            rows = [answer_of(task, i) for i in range(rounds + 1)]
        answers.append(({"name": name, "versions": {"package": "1"}}, rows))
    return answers


def expected_of(images):
    return np.full((images, 10), 0.1)


@pytest.fixture
def sections(monkeypatch):
    """The sections, by name, with contests that start nobody and commands that run nothing."""
    from run import SECTIONS
    from sections import boxes, command, everyday, growth, l1, prediction, sharing, training

    for module in (boxes, everyday, growth, l1, prediction, sharing, training):
        monkeypatch.setattr(module, "play", played)
    monkeypatch.setattr(prediction, "_write_models", lambda folder, settings: expected_of(10_000))
    monkeypatch.setattr(everyday, "cpu_seconds", lambda words, rounds: [0.5] * rounds)
    monkeypatch.setattr(command, "_run", lambda arguments: 3.0)
    monkeypatch.setattr(command, "_start", lambda program, arguments: 2.0)
    monkeypatch.setattr(command, "_parts", lambda engine, arguments: {"training": 1.0, "imports": 1.0})
    return SECTIONS


@pytest.mark.parametrize(("kernels", "bfloat16"), KINDS)
def test_every_section_runs_on_every_kind_of_processor(kernels, bfloat16, sections, settings_of, rates):
    from page import page
    from run import measure_all

    measured, failures = measure_all(sections, settings_of(kernels, bfloat16), [], attempts=1)
    assert failures == {}
    assert list(measured) == list(sections)
    text = page(conditions(bfloat16_gflops=float(bfloat16), bfloat16_unit="vectors"), measured, {})
    assert ("bfloat16 weights" in text) == bfloat16
    assert ("bfloat16" in measured["command"][1]["seconds"]) == bfloat16
    assert ("worker.py avx2 " in text) == (kernels == "avx512")
    assert ("no bfloat16 unit" in text) != bfloat16
    assert ("bfloat16 is left out: no bfloat16 kernel here" in text) != bfloat16


@pytest.mark.parametrize(("kernels", "bfloat16"), [("portable", False), ("emulated-bfloat16", True)])
def test_a_real_contest_runs_with_kernels_by_name(kernels, bfloat16, fashion_mnist, monkeypatch):
    if not is_built():
        pytest.skip("there is no native engine here to measure")
    import native
    from sections import classic
    from settings import Settings

    monkeypatch.setenv("TREADLE_SIMD", kernels)
    names = ("native", "native-avx2", "native-bfloat16")
    settings = Settings(1, 1, 0, 640, names, native.kernels(), native.refusal("bfloat16"))
    text = classic.page(classic.measure(settings))
    assert ("treadle, native engine, bfloat16" in text) == bfloat16
    assert f"treadle, native engine, float32, {native.kernels()} |" in text


def test_the_floor_of_weights_in_bfloat16_is_that_of_products_in_bfloat16(rates):
    from floor import floor
    from recipe import Recipe

    whole, products = (floor(Recipe(precision=p), 640, 1) for p in ("bfloat16 weights", "bfloat16"))
    assert whole == products < floor(Recipe(), 640, 1)


@pytest.mark.parametrize("processor", ["x86-64", "haswell", "skylake-avx512", "cooperlake", "sapphirerapids"])
def test_the_floor_compiles_for_every_kind_of_processor(processor, tmp_path):
    from floor import COMPILE, SOURCE

    machine = subprocess.run(["cc", "-dumpmachine"], capture_output=True, text=True, check=True).stdout
    if not machine.startswith("x86_64"):
        pytest.skip("these are x86's processors")
    words = [f"-march={processor}" if word == "-march=native" else word for word in COMPILE]
    library = tmp_path / "floor.so"
    subprocess.run([*words, str(SOURCE), "-o", str(library), "-lm"], check=True)
    unit = {"cooperlake": b"AVX-512 vectors", "sapphirerapids": b"AMX tiles"}
    for name in (b"AVX-512 vectors", b"AMX tiles"):
        assert (name in library.read_bytes()) == (name == unit.get(processor))


def test_without_a_compiler_the_floor_says_what_it_needs(monkeypatch):
    import floor

    floor._library.cache_clear()
    monkeypatch.setattr(floor, "COMPILE", ("no-such-compiler",))
    with pytest.raises(floor.FloorUnknown, match=r"the floor cannot be measured: .* a C compiler, called cc"):
        floor._library()


def test_a_section_that_fails_leaves_the_others(sections, settings_of, rates, monkeypatch, capsys):
    from page import page
    from run import measure_all
    from sections import Foul

    def fail(settings):
        raise AttributeError("undefined symbol")

    def foul(settings):
        raise Foul("somebody did not train")

    monkeypatch.setattr(sections["shapes"], "measure", fail)
    monkeypatch.setattr(sections["growth"], "measure", foul)
    monkeypatch.setattr(sections["l1"], "page", fail)
    measured, failures = measure_all(sections, settings_of("avx2", False), [], attempts=3)
    assert failures == {
        "shapes": "AttributeError: undefined symbol",
        "growth": "somebody did not train",
        "l1": "AttributeError: undefined symbol",
    }
    assert set(measured) == set(sections) - set(failures)
    assert "in fail" in capsys.readouterr().err
    text = page(conditions(), measured, failures)
    assert "**The section shapes is missing**: AttributeError: undefined symbol" in text
    assert "## The classic recipe" in text


def test_a_run_with_a_failed_section_writes_the_others_and_ends_with_one(monkeypatch, tmp_path):
    import run
    from sections import boxes, command

    def fail(settings):
        raise ValueError("planted")

    monkeypatch.setattr("sys.argv", ["run.py", "--sections", "boxes,command", "--out", str(tmp_path)])
    monkeypatch.setattr(run, "take_processors", lambda threads: [])
    monkeypatch.setattr(run.floor, "description", lambda threads: dict.fromkeys(RATES, 0))
    monkeypatch.setattr(boxes, "measure", fail)
    monkeypatch.setattr(command, "measure", lambda settings: COMMANDS)
    assert run.main() == 1
    assert (
        "**The section boxes is missing**: ValueError: planted" in (tmp_path / "performance.md").read_text()
    )
    written = json.loads((tmp_path / "performance.json").read_text())
    assert written["failures"] == {"boxes": "ValueError: planted"}
    assert written["sections"]["command"]["seconds"] == COMMANDS["seconds"]


def test_a_contest_of_nobody_is_a_foul(settings_of, rates):
    from recipe import Recipe
    from sections import Foul
    from sections.training import contest

    with pytest.raises(Foul, match="nobody who was asked for takes part at 784-256-128-64-10"):
        contest(Recipe(), ["native-bfloat16"], settings_of("avx2", False))


def test_losses_that_depend_on_threads_are_a_foul(settings_of, monkeypatch):
    from sections import Foul, sharing

    def play(contestants, rounds):
        return [
            ({"name": f"{c.task.threads} threads", "versions": {}}, [answer_of(c.task, c.task.threads)] * 2)
            for c in contestants
        ]

    monkeypatch.setattr(sharing, "play", play)
    with pytest.raises(Foul, match=r"2 threads: the losses are \[.*\], and \[.*\] on one thread"):
        sharing.measure(settings_of("avx2", False))


def test_a_contestant_that_ends_early_is_named(settings_of):
    from contest import Contestant, ContestantEnded, play
    from recipe import Recipe
    from worker import TrainingTask

    nobody = Contestant("worker.py", TrainingTask("nobody", Recipe(), 1))
    with pytest.raises(ContestantEnded, match=r"worker.py ended early, with code 1"):
        play([nobody], 1)


def test_a_busy_program_takes_the_processors_and_ends():
    from machine import BusyProgram, available_processors, busy_seconds

    processors = available_processors()[:1]
    if busy_seconds(processors) is None:
        pytest.skip("this system does not count its processors' work in /proc/stat")
    before = busy_seconds(processors)
    with BusyProgram(processors) as busy:
        time.sleep(0.5)
    assert busy_seconds(processors) - before >= 0.4
    assert all(process.returncode is not None for process in busy._processes)


def test_sharing_is_measured_with_the_same_bits_on_one_thread_and_two(settings_of):
    if not is_built():
        pytest.skip("there is no native engine here to measure")
    from machine import available_processors
    from sections import sharing

    threads = min(2, len(available_processors()))
    record = sharing.measure(replace(settings_of("avx2", False), threads=threads))
    text = sharing.page(record)
    assert f"| 4-32-16-4, threads: {threads} |" in text
    assert all(case["losses"][-1] < case["losses"][0] for case in record["measured"])


@pytest.mark.parametrize("what", ["tiny", "deep"])
def test_programs_train_the_networks_of_every_day(what):
    if not is_built():
        pytest.skip("there is no native engine here to measure")
    from contest import Contestant, play
    from everyday_worker import DEEP, TINY, EverydayTask

    tasks = [EverydayTask(program, what, "", "float32", 1, 0, share=20) for program in ("treadle", "PyTorch")]
    for task, (ready, answers) in zip(
        tasks, play([Contestant("everyday_worker.py", task) for task in tasks], 1), strict=True
    ):
        assert ready["name"] == task.program and ready["versions"]
        # Both have learned: chance is log 4 for the tiny network, log 2 for the deep one.
        assert answers[0]["loss"] < 0.8 * np.log((TINY if what == "tiny" else DEEP)[0][-1])
        assert answers[0]["seconds"] > 0
        assert answers[1]["loss"] == pytest.approx(answers[0]["loss"], rel=1e-3)


@pytest.mark.parametrize("program", ["treadle", "scikit-learn"])
def test_programs_predict_one_row_as_well_as_each_other(program):
    from everyday_worker import EverydayTask, prepare

    _, play = prepare(EverydayTask(program, "row", "iris", "float64", 1, 0))
    answer = play()
    assert answer["score"] > 0.95
    assert 1e-6 < answer["seconds"] < 0.1


def test_a_worse_score_of_one_row_is_a_foul(settings_of, rates, monkeypatch):
    from sections import Foul, everyday

    def play(contestants, rounds):
        return [({"name": c.task.program}, [{"seconds": 1.0, "score": 0.9 - 0.1 * (i == 0)}] * 2)
                for i, c in enumerate(contestants)]  # fmt: skip

    monkeypatch.setattr(everyday, "play", play)
    with pytest.raises(Foul, match=r"treadle's accuracy on iris is 0.8, scikit-learn's 0.9"):
        everyday.measure(settings_of("avx2", False))


def test_a_short_command_is_timed_and_one_that_fails_is_a_foul():
    from sections import Foul, everyday

    seconds = everyday.cpu_seconds(("info",), 2)
    assert len(seconds) == 2 and all(0.05 < s < 30 for s in seconds)
    with pytest.raises(Foul, match=r"treadle infoo failed"):
        everyday.cpu_seconds(("infoo",), 1)

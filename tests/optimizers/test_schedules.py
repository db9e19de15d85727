"""Learning-rate schedules against their formulas, torch's scheduler and a training of scikit-learn's."""

import math
import platform
import warnings

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from treadle.errors import InvalidInput
from treadle.optimizers import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    InverseScaling,
    LogCosine,
    OneCycle,
    Schedule,
)
from treadle.optimizers.schedules import LEAST_RATE


def rates(schedule, *, peak=0.1, n_epochs=4, n_steps=25, n_rows=1600, losses=()):
    return np.concatenate(
        [
            schedule.learning_rates(
                peak,
                epoch=epoch,
                n_epochs=n_epochs,
                n_steps=n_steps,
                n_rows=n_rows,
                losses=losses[:epoch],
            )
            for epoch in range(n_epochs)
        ]
    )


def test_constant_is_the_peak_throughout():
    assert (rates(Constant()) == 0.1).all()


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
def test_one_cycle_is_a_triangle(fraction):
    expected = []
    for step in range(100):
        time = (step + 0.5) / 100
        expected.append(0.1 * time / fraction if time < fraction else 0.1 * (1 - time) / (1 - fraction))
    np.testing.assert_allclose(rates(OneCycle(fraction)), expected, rtol=1e-12)


def test_one_cycle_stays_near_torchs():
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w])
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=1000, pct_start=0.3, anneal_strategy="linear", div_factor=1e9
    )
    expected = []
    for _ in range(1000):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    # torch's corners lie on steps, ours between them: they differ by less than a step of the warm-up.
    assert np.max(np.abs(rates(OneCycle(), n_steps=250) - expected)) <= 0.1 / 300


@pytest.mark.parametrize("fraction", [0.0, 0.2, 1.0])
def test_cosine_warms_up_and_falls_along_half_a_cosine(fraction):
    expected = []
    for step in range(100):
        time = (step + 0.5) / 100
        if time < fraction:
            expected.append(0.1 * time / fraction)
        else:
            expected.append(0.05 * (1 + math.cos(math.pi * (time - fraction) / (1 - fraction))))
    np.testing.assert_allclose(rates(Cosine(fraction)), expected, rtol=1e-12)


@pytest.mark.parametrize("n_cycles", [1, 2, 4])
def test_log_cosine_is_waves_of_double_length(n_cycles):
    expected = []
    for step in range(100):
        cycles = math.log2(1 + (2**n_cycles - 1) * (step + 0.5) / 100)
        expected.append(0.05 * (1 - math.cos(2 * math.pi * cycles)))
    np.testing.assert_allclose(rates(LogCosine(n_cycles)), expected, rtol=0, atol=1e-15)
    found = rates(LogCosine(n_cycles), n_steps=2500)
    valleys = np.flatnonzero((found[1:-1] < found[:-2]) & (found[1:-1] <= found[2:])) + 1
    times = (valleys + 0.5) / 10_000
    np.testing.assert_allclose(times, [(2**k - 1) / (2**n_cycles - 1) for k in range(1, n_cycles)], atol=1e-4)


@pytest.mark.parametrize("n_cycles", [0, 41, 1.5, True])
def test_a_number_of_cycles_that_is_none_is_refused(n_cycles):
    with pytest.raises(InvalidInput, match=f"n_cycles must be an integer from 1 to 40; got {n_cycles}"):
        LogCosine(n_cycles)


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.3, 1.0])
def test_straight_lines_are_those_of_numpy_to_the_bit(fraction):
    # Its compiler must not have fused: as for x86-64.
    time = (np.arange(100) + 0.5) / 100
    expected = np.interp(time, (0, fraction, 1), (0, 0.1, 0))
    near = {"rtol": 0 if platform.machine() == "x86_64" else 1e-15}
    np.testing.assert_allclose(rates(OneCycle(fraction)), expected, **near)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.7, 1e300])
def test_inverse_scaling_is_the_power_rounded_once(power):
    with np.errstate(over="ignore"):
        expected = 0.1 / np.power(float(1600 * 3 + 1), power)
    found = rates(InverseScaling(power))[-1]
    assert abs(found - expected) <= 4e-16 * expected


@pytest.mark.parametrize("schedule", [OneCycle(), Cosine()], ids=str)
def test_planned_schedules_never_waste_a_step_and_end_low(schedule):
    run = rates(schedule)
    assert (run > 0).all()
    assert run.max() <= 0.1
    assert run[-1] <= 0.1 * 0.01


def recorded_scikit_learn(monkeypatch, **options):
    """Train, and record the rate that the epochs had."""
    seen = []
    original = SGDOptimizer.iteration_ends

    def iteration_ends(self, time_step):
        seen.append(self.learning_rate)
        original(self, time_step)

    monkeypatch.setattr(SGDOptimizer, "iteration_ends", iteration_ends)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = rng.integers(0, 2, 60)
    model = MLPClassifier(
        (4,), solver="sgd", random_state=0, learning_rate_init=0.3, batch_size=20, **options
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    return seen, model.loss_curve_


def test_inverse_scaling_is_scikit_learns(monkeypatch):
    seen, _ = recorded_scikit_learn(monkeypatch, learning_rate="invscaling", power_t=0.3, max_iter=8)
    assert len(seen) == 8
    ours = rates(InverseScaling(0.3), peak=0.3, n_epochs=8, n_steps=1, n_rows=60)
    np.testing.assert_allclose(ours, seen, rtol=1e-12)


def test_adaptive_is_scikit_learns(monkeypatch):
    seen, losses = recorded_scikit_learn(
        monkeypatch, learning_rate="adaptive", tol=1e-3, n_iter_no_change=2, max_iter=500
    )
    # It ran until the rate was too small, so every branch of the rule was taken.
    assert seen[-1] <= 1e-6 < seen[0] == 0.3
    assert len(seen) < 500
    ours = rates(Adaptive(1e-3, 2), peak=0.3, n_epochs=len(seen), n_steps=1, n_rows=60, losses=losses)
    np.testing.assert_allclose(ours, seen, rtol=1e-12)


def test_adaptive_keeps_a_rate_that_is_already_tiny():
    tiny = rates(Adaptive(n_iter_no_change=1), n_epochs=200, n_steps=1, losses=[1.0] * 200)
    assert LEAST_RATE / 5 < tiny[-1] <= LEAST_RATE


@pytest.mark.parametrize("schedule", [make() for make in SCHEDULES.values()], ids=str)
def test_an_epochs_rates_do_not_depend_on_what_was_asked_before(schedule):
    losses = [1.0, 0.5, 0.5, 0.5]
    arguments = {"n_epochs": 5, "n_steps": 7, "n_rows": 70, "losses": losses}
    once = schedule.learning_rates(0.1, epoch=4, **arguments)
    schedule.learning_rates(0.1, epoch=0, **arguments)
    np.testing.assert_array_equal(schedule.learning_rates(0.1, epoch=4, **arguments), once)
    assert once.shape == (7,)
    assert once.dtype == np.float64


def test_only_schedules_with_an_end_need_the_planned_length():
    assert [name for name, schedule in SCHEDULES.items() if schedule.needs_n_epochs] == [
        "one_cycle",
        "cosine",
        "log_cosine",
    ]
    assert all(issubclass(schedule, Schedule) for schedule in SCHEDULES.values())


@pytest.mark.parametrize("schedule", [OneCycle(), Cosine()], ids=str)
def test_an_epoch_past_the_plan_is_refused(schedule):
    with pytest.raises(InvalidInput, match=r"planned run of 3 epochs; got epoch 3 \(from 0\): plan more"):
        schedule.learning_rates(0.1, epoch=3, n_epochs=3, n_steps=1, n_rows=1, losses=())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneCycle(1.5), "warmup_fraction must be from 0 to 1; got 1.5"),
        (lambda: Cosine(float("nan")), "warmup_fraction must be from 0 to 1; got nan"),
        (lambda: InverseScaling(-1), "power_t must be at least 0 and finite; got -1"),
        (lambda: Adaptive(tol=-1), "tol must be at least 0 and finite; got -1"),
        (lambda: Adaptive(n_iter_no_change=0), "n_iter_no_change must be at least 1; got 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()


@pytest.mark.parametrize("schedule", [make() for make in SCHEDULES.values()], ids=str)
def test_a_schedule_says_whether_it_goes_by_losses(schedule):
    falling, level = [1.0 / (i + 1) for i in range(40)], [1.0] * 40
    found = [rates(schedule, n_epochs=40, n_steps=2, losses=losses) for losses in (falling, level)]
    assert np.array_equal(*found) is not schedule.goes_by_losses
    assert Schedule.goes_by_losses  # one that says nothing may

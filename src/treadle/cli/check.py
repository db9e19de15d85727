"""``treadle check``: checks gradients, the agreement of engines, and bits."""

from __future__ import annotations

import importlib.util
from itertools import product
from typing import TYPE_CHECKING

import cyclopts

from treadle.choices import ActivationName, GradientEngineName, LossName
from treadle.cli.terminal import print_json, print_result, print_table

if TYPE_CHECKING:
    from treadle.engines.agreement import Agreement
    from treadle.engines.gradient_check import GradientReport
    from treadle.engines.objective import Objective
    from treadle.network import Network
    from treadle.training.recorded_bits import Bits

    Agreements = dict[tuple[str, str], Agreement]  # by engine and dtype

app = cyclopts.App(
    name="check", help="Check the mathematics: gradients, engine against engine, and the bits."
)


@app.command
def gradients(
    *,
    network: str = "7,5,3",
    engine: GradientEngineName = "numpy",
    activation: ActivationName = "relu",
    loss: LossName = "cross_entropy",
    label_smoothing: float = 0.0,
    dropout: float = 0.0,
    l2: float = 0.0,
    rows: int = 11,
    seed: int = 0,
    plant_error: bool = False,
    json: bool = False,
) -> int:
    """Compare gradients with finite differences, and with PyTorch's autograd where it is installed.

    In float64, on random rows with random weights, one line for each array
    of parameters. The exit code is 1 if any of them fails.

    treadle check gradients --network 20,16,8,4 --activation gelu --dropout 0.3

    Parameters
    ----------
    network
        Units of every layer, inputs and outputs included.
    engine
        Whose gradients.
    activation
        Of the hidden layers.
    loss
        What is differentiated.
    label_smoothing
        Share of each label spread over all classes.
    dropout
        Probability with which a hidden unit is dropped; the masks are those of training.
    l2
        Weight of half the squared weights.
    rows
        Rows of the batch.
    seed
        Of the weights, the rows and the masks.
    plant_error
        Spoil one entry by one part in a thousand first, to see that the check finds it.
    json
        Print the result as JSON.
    """
    from treadle.engines.objective import Objective
    from treadle.errors import InvalidInput
    from treadle.maths.loss_table import LOSSES
    from treadle.network import Network

    try:
        sizes = tuple(int(size) for size in network.split(","))
    except ValueError:
        raise InvalidInput(f"--network must be integers like 7,5,3; got {network!r}") from None
    if rows < 1 or seed < 0:
        raise InvalidInput(f"--rows must be at least 1 and --seed at least 0; got {rows} and {seed}")
    objective = Objective(loss, label_smoothing=label_smoothing, l2=l2)
    net = Network(sizes, activation, output=LOSSES[loss].output, dropout=dropout)
    has_reference = engine != "torch" and importlib.util.find_spec("torch") is not None
    reports = _gradient_reports(engine, net, objective, rows, seed, plant_error, has_reference)
    if json:
        print_json(_gradients_as_json(reports, has_reference))
    else:
        _print_gradients(reports, has_reference)
        if engine != "torch" and not has_reference:
            print_result(
                "PyTorch is not installed, so nothing was compared with autograd: "
                "pip install 'treadle[torch]'"
            )
        planted = "; an error was planted, as asked for" if plant_error else ""
        n_passed = sum(report.passed for report in reports)
        print_result(f"{n_passed} of {len(reports)} arrays passed{planted}")
    return 0 if all(report.passed for report in reports) else 1


def _gradient_reports(
    engine: GradientEngineName,
    network: Network,
    objective: Objective,
    rows: int,
    seed: int,
    plant_error: bool,
    has_reference: bool,
) -> list[GradientReport]:
    """Check the engine's gradients, with one entry spoilt first on request."""
    import numpy as np

    from treadle.engines.gradient_check import check_gradients, random_batch
    from treadle.engines.selection import select_engine
    from treadle.network import Parameters

    parameters = Parameters.initialise(network, "glorot", seed, np.float64)
    X, y, sample_weight = random_batch(network, rows, seed)
    noise_key = (seed, 0) if any(layer.dropout for layer in network.layers) else None
    checked = select_engine(engine).engine
    _loss, analytic = checked.loss_and_gradients(
        parameters, X, y, sample_weight, objective=objective, noise_key=noise_key
    )
    if plant_error:
        analytic.flat[np.abs(analytic.flat).argmax()] *= 1.001
    return check_gradients(
        checked,
        parameters,
        X,
        y,
        sample_weight,
        objective=objective,
        noise_key=noise_key,
        reference=select_engine("torch").engine if has_reference else None,
        gradients=analytic,
    )


def _gradients_as_json(reports: list[GradientReport], has_reference: bool) -> dict[str, object]:
    from treadle.engines.gradient_check import REFERENCE_TOLERANCE

    return {
        "passed": all(report.passed for report in reports),
        "arrays": [
            {
                "name": report.name,
                "shape": report.shape,
                "finite_difference_error": report.finite_differences.largest_relative_error,
                "finite_difference_tolerance": report.finite_differences.tolerance,
                "autograd_error": report.reference_error,
                "autograd_tolerance": REFERENCE_TOLERANCE if has_reference else None,
                "passed": report.passed,
            }
            for report in reports
        ],
    }


def _print_gradients(reports: list[GradientReport], has_reference: bool) -> None:
    from treadle.engines.gradient_check import REFERENCE_TOLERANCE

    print_table(
        ("array", "shape", "finite differences", "autograd", "result"),
        [
            (
                report.name,
                " x ".join(map(str, report.shape)),
                f"{report.finite_differences.largest_relative_error:.1e}",
                "-" if report.reference_error is None else f"{report.reference_error:.1e}",
                "ok" if report.passed else "FAILED",
            )
            for report in reports
        ],
        align="<<>><",
    )
    allowed = f"{reports[0].finite_differences.tolerance:.1e} from finite differences"
    if has_reference:
        allowed += f", {REFERENCE_TOLERANCE:.0e} from autograd"
    print_result(f"relative errors; allowed: {allowed}")


@app.command
def engines(
    *,
    data: str = "fashion-mnist",
    steps: int = 200,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Train with each engine alike, and compare the loss of every step.

    All start from the same parameters and see the same batches.

    The classic recipe, each engine that is here against NumPy's: in float32
    each step from equal states, in float64 from the start alone. (In float32 a
    ReLU unit close to its kink makes any two programs part sooner or later.)
    The exit code is 1 if two losses differ at any step by more than one part
    in a million, or in float64 by one in a million million.

    Parameters
    ----------
    data
        As in treadle train.
    steps
        How many of the first steps.
    seed
        Of the initial weights and the order of the rows.
    json
        Print the result as JSON.
    """
    agreements, not_compared = _agreements(data, steps, seed)
    passed = all(agreement.passed for agreement in agreements.values())
    if json:
        comparisons = [_agreement_as_json(*key, agreement) for key, agreement in agreements.items()]
        result = {"passed": passed, "steps": steps, "comparisons": comparisons}
        print_json({**result, "not_compared": not_compared})
        return 0 if passed else 1
    _print_steps(agreements, steps)
    print_result("")
    _print_agreements(agreements, steps)
    for why in not_compared:
        print_result(f"not compared: {why}")
    return 0 if passed else 1


def _agreements(data: str, steps: int, seed: int) -> tuple[Agreements, list[str]]:
    """Compare each usable engine with NumPy's; say why others were not compared."""
    import numpy as np

    from treadle.data import load_data
    from treadle.engines.agreement import compare_engines
    from treadle.engines.selection import make_engine
    from treadle.errors import EngineUnavailable
    from treadle.network import Parameters
    from treadle.runs.config import RunConfig
    from treadle.runs.run import training_problem

    config = RunConfig(data, seed=seed)
    problem = training_problem(config, load_data(data))
    reference = make_engine("numpy")
    agreements: Agreements = {}
    not_compared = []
    for name, dtype in product(("native", "torch"), (np.float32, np.float64)):
        try:
            engine = make_engine(name)
        except EngineUnavailable as error:
            not_compared.append(str(error))
            continue
        agreements[name, dtype.__name__] = compare_engines(
            engine,
            reference,
            problem,
            Parameters.initialise(problem.network, config.initialisation, seed, dtype),
            n_steps=steps,
            learning_rate=config.learning_rate,
            seed=seed,
            synchronised=dtype is np.float32,
        )
    if not agreements:
        raise EngineUnavailable(f"there is no engine to hold against NumPy's: {'; '.join(not_compared)}")
    return agreements, not_compared


def _agreement_as_json(name: str, dtype: str, agreement: Agreement) -> dict[str, object]:
    return {
        "engine": name,
        "dtype": dtype,
        "passed": agreement.passed,
        "largest_relative_difference": agreement.largest_relative_difference,
        "step": agreement.step,
        "tolerance": agreement.tolerance,
        "losses": agreement.losses.tolist(),
        "numpy_losses": agreement.reference_losses.tolist(),
    }


def _print_steps(agreements: Agreements, steps: int) -> None:
    """The losses of some steps in float32, engine beside engine."""
    single = {name: agreement for (name, dtype), agreement in agreements.items() if dtype == "float32"}
    reference_losses = next(iter(single.values())).reference_losses
    shown = sorted({1, 2, 5, 10, 20, 50, 100, steps, *(agreement.step for agreement in single.values())})
    rows = []
    for step in shown:
        if step <= steps:
            row = [str(step), f"{reference_losses[step - 1]:.7f}"]
            for agreement in single.values():
                row.append(f"{agreement.losses[step - 1]:.7f}")
                row.append(f"{agreement.relative_differences[step - 1]:.1e}")
            rows.append(row)
    print_table(
        ("step", "numpy", *(cell for name in single for cell in (name, "relative difference"))),
        rows,
        align=">>" + ">>" * len(single),
    )


def _print_agreements(agreements: Agreements, steps: int) -> None:
    print_table(
        ("engine", "dtype", "largest relative difference", "at step", "allowed", "result"),
        [
            (
                name,
                dtype,
                f"{agreement.largest_relative_difference:.1e}",
                f"{agreement.step} of {steps}",
                f"{agreement.tolerance:.0e}",
                "ok" if agreement.passed else "FAILED",
            )
            for (name, dtype), agreement in agreements.items()
        ],
        align="<<>>><",
    )


# What this command does not look at, since nothing promises it.
NOT_PROMISED = (
    "products in bfloat16, which each unit sums in its own way",
    "networks in float64: the portable kernels round a multiply-add twice there",
    "the NumPy engine and L-BFGS, whose sums are those of NumPy's BLAS; the torch engine",
    "scores and losses of held-out rows, which take NumPy's exponentials and logarithms",
    "initial weights and orders drawn by another version of NumPy",
)


@app.command
def bits(*, json: bool = False) -> int:
    """Compare the bits of training on this machine with those recorded on another.

    Small trainings with every option of the native engine, by each of the
    kernels that this processor runs, in seconds; then learning rates, initial
    weights and orders of rows. The same seed gives the same model, to the bit,
    wherever all of them agree. The exit code is 1 if one does not.

    treadle check bits

    Parameters
    ----------
    json
        Print the result as JSON.
    """
    import numpy as np

    from treadle.hardware.native.bits import differing_options
    from treadle.hardware.native.extension import available_kernels
    from treadle.training.recorded_bits import RECORDED_NUMPY, bits_of_training

    options = {name: differing_options(name) for name in available_kernels()}
    others = bits_of_training()
    passed = not any(differing for differing, _ in options.values()) and all(part.agree for part in others)
    if json:
        print_json(
            {
                "passed": passed,
                "kernels": {
                    name: {"options": n, "differing": differing} for name, (differing, n) in options.items()
                },
                "others": {part.what: {"here": part.here, "recorded": part.recorded} for part in others},
                "numpy": {"here": np.__version__, "recorded": RECORDED_NUMPY},
                "not_promised": NOT_PROMISED,
            }
        )
    else:
        _print_bits(options, others)
        print_result(f"NumPy {np.__version__} drew here, {RECORDED_NUMPY} where the bits were recorded")
        for what in NOT_PROMISED:
            print_result(f"not promised: {what}")
    return 0 if passed else 1


def _print_bits(options: dict[str, tuple[list[str], int]], others: list[Bits]) -> None:
    """A line for each table of kernels and for all else; the options that differ by name."""
    rows = [
        (f"kernels {name}", f"{n - len(differing)} of {n} options", "FAILED" if differing else "ok")
        for name, (differing, n) in options.items()
    ]
    rows += [(part.what, part.here, "ok" if part.agree else "FAILED") for part in others]
    print_table(("what", "as recorded", "result"), rows, align="<<<")
    for name, (differing, _) in options.items():
        for option in differing:
            print_result(f"kernels {name}: other bits with {option}")

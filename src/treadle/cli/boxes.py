"""``treadle boxes``: builds a network of boxes for a typed function, with proved error."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import cyclopts

from treadle.choices import BoxActivationName, BoxFormName, BoxPartitionName
from treadle.cli.terminal import print_json, print_result

if TYPE_CHECKING:
    from treadle.boxes.network.box_network import BoxNetwork
    from treadle.formulas.expressions import Expression

app = cyclopts.App(name="boxes")


@app.default
def boxes(
    formula: str,
    /,
    *,
    bounds: Annotated[list[float], cyclopts.Parameter(consume_multiple=True)],
    eps: float | None = None,
    n_boxes: Annotated[list[int] | None, cyclopts.Parameter(consume_multiple=True)] = None,
    partition: BoxPartitionName = "uniform",
    order: int = 0,
    activation: BoxActivationName | None = None,
    steepness: float | None = None,
    plot: Path | None = None,
    export: Path | None = None,
    form: BoxFormName | None = None,
    json: bool = False,
) -> int:
    """Build a network of boxes for a function, with a proved error bound.

    treadle boxes "sin(3*x) + 0.5*cos(7*x)" --bounds -2 2 --eps 0.01

    Nothing is trained: each box is the difference of two steps. What is proved
    of the error follows from interval arithmetic on the formula.

    Parameters
    ----------
    formula
        Of x, y, z or x1, x2, ...: "exp(-x**2)", "where(x < 0, -x, x*y)".
    bounds
        Lower and upper end, for each variable in turn: 0 1 0 1; one pair serves all: -2 2.
    eps
        The largest error allowed; or say n-boxes.
    n_boxes
        How many boxes; or how many along each axis: 32 32.
    partition
        Boxes of equal width, halved where it helps, or the fewest.
    order
        0: boxes. 1: pieces that are linear.
    activation
        What the units of boxes are; step where left out.
    steepness
        Of units that are not steps.
    plot
        Write a sheet of pictures, for one or two variables: .png, .svg or .pdf.
    export
        Write the network as ONNX. It needs: pip install 'treadle[onnx]'.
    form
        Which of the equal networks to export.
    json
        Print the result as JSON.
    """
    from treadle.boxes.approximate import approximate
    from treadle.errors import InvalidInput, UnprovedWarning
    from treadle.formulas.expressions import read_expression

    if len(bounds) % 2 or not bounds:
        raise InvalidInput(
            f"--bounds takes two numbers for each variable, such as -2 2 or 0 1 0 1; got {len(bounds)}"
        )
    if plot is not None:
        from treadle.report.figures import picture_format

        picture_format(plot)
    if form is not None and export is None:
        raise InvalidInput(f"--form {form} says what to export: name a file with --export")
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    if len(pairs) == 1:  # serves every variable
        pairs *= max(1, read_expression(formula).n_dims)
    f = read_expression(formula, n_dims=len(pairs))
    # Any: keywords of several types.
    options: dict[str, Any] = {"partition": partition, "order": order, "steepness": steepness}
    if activation is not None:
        options["activation"] = activation
    counts = n_boxes[0] if n_boxes and len(n_boxes) == 1 else n_boxes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnprovedWarning)  # what is printed says so
        network = approximate(f, pairs, eps=eps, n_boxes=counts, **options)
    if export is not None:
        network.to_onnx(export, form)
    if plot is not None:
        from treadle.report.box_figures import draw_box_network
        from treadle.report.figures import save_figure

        save_figure(draw_box_network(f, network), plot)
    found = _summary(f, network, partition)
    if json:
        print_json({**found, "plot": plot and str(plot), "export": export and str(export)})
        return 0
    _print(found)
    if export is not None:
        print_result(f"ONNX            {export}")
    if plot is not None:
        print_result(f"pictures        {plot}")
    return 0


class _Facts(TypedDict):
    formula: str
    variables: list[str]
    bounds: list[list[float]]
    partition: str
    order: int
    activation: str
    steepness: float | None
    n_boxes: int
    n_hidden_units: list[int]
    n_parameters: int
    lipschitz: list[float]
    error_bound: float
    error_bound_kind: str
    theorem: str
    error_sampled: float
    smoothing_bound: float | None
    why_not_proved: str | None


def _summary(f: Expression, network: BoxNetwork, partition: str) -> _Facts:
    """The facts of a network to print, for people and for machines."""
    from treadle.boxes.approximate import why_not_proved

    lower, upper = network.bounds_.T
    proved = network.error_bound_kind_ != "none"
    reason = why_not_proved(f, network.order, network.steepness is not None)
    return {
        "formula": f.text,
        "variables": list(f.variables),
        "bounds": network.bounds_.tolist(),
        "partition": partition,
        "order": network.order,
        "activation": network.activation,
        "steepness": network.steepness,
        "n_boxes": network.n_boxes_,
        "n_hidden_units": list(network.n_hidden_units_),
        "n_parameters": network.n_parameters_,
        "lipschitz": f.lipschitz(lower, upper).tolist(),
        "error_bound": network.error_bound_,
        "error_bound_kind": network.error_bound_kind_,
        "theorem": network.error_bound_theorem_,
        "error_sampled": network.error_estimate_,
        "smoothing_bound": network.smoothing_bound_,
        "why_not_proved": None if proved else ": ".join(reason),
    }


def _print(found: _Facts) -> None:
    domain = ", ".join(
        f"{name} in [{low:g}, {high:g}]"
        for name, (low, high) in zip(found["variables"], found["bounds"], strict=True)
    )
    units = " + ".join(str(n) for n in found["n_hidden_units"])
    if len(found["variables"]) == 1 and found["activation"] == "step":
        units += f", or {2 * found['n_boxes']} with two a box"
    constants = ", ".join("none" if value == float("inf") else f"{value:.4g}" for value in found["lipschitz"])
    proved = found["error_bound"]
    print_result(f"function        {found['formula']}  ({domain})")
    print_result(f"Lipschitz       {constants}")
    print_result(f"boxes           {found['n_boxes']}  ({found['partition']}, order {found['order']})")
    print_result(f"hidden units    {units}  ({found['activation']})")
    print_result(f"parameters      {found['n_parameters']}")
    if proved == proved:
        print_result(f"proved error    <= {_rounded_up(proved)}  ({found['theorem']})")
    else:
        print_result(f"proved error    none, for {found['why_not_proved']}")
    between = "" if proved == proved else "  (it may be greater between the samples)"
    print_result(f"sampled error   {found['error_sampled']:.6g}{between}")
    if found["smoothing_bound"]:
        print_result(
            f"smoothing       <= {_rounded_up(found['smoothing_bound'])} in the norm of L1, against steps"
        )


def _rounded_up(bound: float) -> str:
    """Print a bound with six digits, rounded up, so that it stays proved."""
    from decimal import ROUND_CEILING, Context, Decimal

    return f"{float(Context(prec=6, rounding=ROUND_CEILING).create_decimal(Decimal(bound))):.6g}"

"""Builds a network of boxes for a function, without training, with a proved bound."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.partition import Grid, check_n_cells
from treadle.boxes.cells.points import as_bounds, check_count
from treadle.boxes.construct.construction import Built, Request, refined_boxes
from treadle.boxes.construct.fewest_boxes import fewest_boxes
from treadle.boxes.construct.hats import fewest_hats, refined_hats, uniform_hats
from treadle.boxes.construct.sampled_error import error_estimate
from treadle.boxes.construct.uniform_boxes import uniform_boxes
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.smoothing import MEAN_DEVIATION, n_ghost_cells, with_ghost_cells
from treadle.boxes.proof.assumptions import ModulusLike, sampled_modulus, target_of
from treadle.boxes.proof.bounds import UNIT, ErrorBound, outward, theorem, unproved
from treadle.boxes.proof.known_function import Target
from treadle.boxes.proof.least_eps import check_eps
from treadle.choices import (
    BoxActivationName,
    BoxBoundName,
    BoxHeightName,
    BoxNormName,
    BoxOutsideName,
    BoxPartitionName,
    SmoothBoxName,
)
from treadle.errors import InvalidInput, UnprovedWarning
from treadle.formulas.expressions import Expression
from treadle.messages import quoted

# Beyond these its parts and multiples are no numbers of float64.
LEAST_EPS, GREATEST_EPS = 1e-300, 1e300

# Of a unit as wide as a cell: k h for a sigmoid, a ramp over one cell.
STEEPNESS_TIMES_WIDTH = {"sigmoid": 4.0, "relu": 1.0}

_BUILDERS: dict[tuple[int, BoxPartitionName], Callable[[Target, Request], Built]] = {
    (0, "uniform"): uniform_boxes,
    (0, "adaptive"): refined_boxes,
    (0, "optimal"): fewest_boxes,
    (1, "uniform"): uniform_hats,
    (1, "adaptive"): refined_hats,
    (1, "optimal"): fewest_hats,
}


def approximate(
    f: str | Callable[[NDArray[np.float64]], ArrayLike],
    bounds: ArrayLike,
    *,
    eps: float | None = None,
    n_boxes: int | Sequence[int] | None = None,
    lipschitz: float | Sequence[float] | None = None,
    modulus: ModulusLike | None = None,
    second_derivative: ArrayLike | None = None,
    enclosure: object = None,
    partition: BoxPartitionName = "uniform",
    activation: BoxActivationName | None = None,
    steepness: float | None = None,
    order: int = 0,
    norm: BoxNormName = "sup",
    height: BoxHeightName | None = None,
    outside: BoxOutsideName = "clamped",
) -> BoxNetwork:
    """Build a network of boxes for f, with a proved bound of its error.

    Parameters
    ----------
    f : str or callable
        A formula such as ``"sin(3*x) + 0.5*cos(7*x)"``, of which interval arithmetic proves all that is
        needed; or a function of arrays: (n,) in one dimension, (n, d) in more, to (n,).
    bounds : (lower, upper), or such a pair for each of d dimensions
    eps : float from 1e-300 to 1e300
        The error allowed, in ``norm``. Where nothing is known of f, or too little (order 1 at a jump), it
        only chooses how many boxes, by sampled values, and ``error_bound_`` is nan. Or
    n_boxes : int or sequence of d int
        The number of boxes: exactly along each axis, or in all, which d dimensions share by how f varies.
    lipschitz : float or sequence of d float
        L with |f(x) - f(y)| <= L ||x - y||_2; or one along each axis.
    modulus : (M, alpha), or callable
        |f(x) - f(y)| <= M ||x - y||_2^alpha; or a function of arrays of distances, not decreasing.
    second_derivative : float or array_like of shape (d, d)
        A bound of the Hessian's spectral norm, or of each of its entries: for order 1.
    enclosure : callable or Enclosure
        (lower, upper) -> (least, greatest), proved bounds of f over boxes (n, d); or an object with
        derivatives as well, see ``treadle.formulas.enclosure``.
    partition : {"uniform", "adaptive", "optimal"}
        Equal cells; cells halved where the error is; the fewest, in one dimension.
    activation : {"step", "sigmoid", "relu"}, default "step" for order 0 and "relu" for order 1
        ``sigmoid`` and ``relu`` of order 0, a ramp, are for one dimension.
    steepness : float
        k of s(k (x - e)); a ramp is 1 / k wide. Default: about 4 for a sigmoid and 1 for a ramp, over a
        cell's width. Steeper is not better.
    order : {0, 1}
        Boxes, or piecewise linear.
    norm : {"sup", "l2"}
        The greatest |f - F|, or the root of the integral of its square.
    height : {"middle", "midrange", "lower"}
        Of uniform boxes: f in the middle (default), f's midrange, or f at the lower corner.
    outside : {"clamped", "zero"}
        What the network is outside of the bounds.

    Returns
    -------
    BoxNetwork
        ``error_bound_`` is nan where nothing is known of f; ``error_estimate_`` is sampled.
        ``n_boxes_lower_bound_`` is how many boxes any partition needs for eps, where the partition is
        optimal.

    Raises
    ------
    InvalidInput
        If an argument is not what it has to be, two contradict each other, f is not finite over the
        bounds, eps is below what rounding allows, or eps or n_boxes takes more boxes than are built: it says
        how many.

    Warns
    -----
    UnprovedWarning
        If eps was given and nothing proves it: at sampled points alone is the error known.

    Notes
    -----
    Bounds: ``treadle.boxes.proof.bounds``. The fewest boxes: Kahane; DeVore, Nonlinear approximation, Acta
    Numerica 1998.

    Examples
    --------
    >>> from treadle import approximate
    >>> network = approximate("x**2", (0, 1), n_boxes=4)
    >>> network.predict([[0.2], [0.9]]).tolist()  # the squares of 1/8 and 7/8
    [0.015625, 0.765625]
    >>> round(network.error_bound_, 6)  # 1 - (7/8)^2
    0.234375
    """
    domain = as_bounds(bounds)
    activation = activation or ("relu" if order == 1 else "step")
    smooth = order == 0 and activation != "step"
    _check_options(len(domain), partition, activation, steepness, order, norm, height, outside)
    counts = _counts(eps, n_boxes, len(domain), partition)
    eps = None if eps is None else float(eps)
    target = target_of(
        f,
        domain,
        lipschitz=lipschitz,
        modulus=modulus,
        enclosure=enclosure,
        second_derivative=second_derivative,
        needs_curvature=order == 1,
    )
    if eps is not None:
        check_eps(target, eps, order, norm)
    budget = eps
    if smooth and eps is not None:
        budget, steepness = _share_of_steps(target, eps, activation, steepness)
    built = _BUILDERS[order, partition](target, Request(budget, counts, norm, height or "middle", eps))
    network = _network(target, built, order, activation, steepness, norm, outside)
    estimate = error_estimate(target, network, norm)
    network = BoxNetwork.of(replace(network.record, error_estimate=estimate))
    if eps is not None and math.isnan(network.error_bound_):
        why, remedy = why_not_proved(f, order, smooth)
        warnings.warn(
            f"eps={eps!r} is not proved, for {why}: error_bound_ is nan. At sampled points the error is "
            f"{network.error_estimate_:.3g}, and between them it may be greater: {remedy}",
            UnprovedWarning,
            stacklevel=2,
        )
    return network


def why_not_proved(f: object, order: int, smooth: bool) -> tuple[str, str]:
    """Say why a network has no bound, and what to do about it.

    f is a function, a formula or its text.
    """
    if not isinstance(f, str | Expression):
        return "nothing is known of f", "give lipschitz, modulus or enclosure, or f as the text of a formula"
    if smooth:
        return "smooth units take a Lipschitz constant, and the formula has none here", "take steps"
    if order == 1:
        return "the formula's slopes are not bounded, as at a jump", "take order 0 and adaptive boxes"
    return "the formula's range over some box is not bounded", "take adaptive boxes, or other bounds"


def _check_options(
    n_dims: int,
    partition: str,
    activation: str,
    steepness: float | None,
    order: int,
    norm: str,
    height: str | None,
    outside: str,
) -> None:
    """Refuse options that no network can have, before f is called.

    Options that contradict each other are refused by ``BoxNetwork``.
    """
    for name, value, allowed in (
        ("partition", partition, get_args(BoxPartitionName)),
        ("activation", activation, get_args(BoxActivationName)),
        ("order", order, (0, 1)),
        ("norm", norm, get_args(BoxNormName)),
        ("height", height, (None, *get_args(BoxHeightName))),
        ("outside", outside, get_args(BoxOutsideName)),
    ):
        if value not in allowed or isinstance(value, bool):
            raise InvalidInput(f"{name} must be one of {', '.join(map(repr, allowed))}; got {value!r}")
    smooth = order == 0 and activation != "step"
    if smooth and norm == "l2":
        raise InvalidInput("smooth units are bounded in the supremum norm: take norm='sup'")
    if height is not None and (order == 1 or partition != "uniform"):
        raise InvalidInput(
            f"height={height!r} is for uniform boxes: other partitions take the midrange, and order 1 "
            "interpolates; leave it out"
        )
    if partition == "optimal" and n_dims > 1:
        raise InvalidInput(
            f"partition='optimal' is for one dimension; bounds are those of {n_dims}: take 'adaptive'"
        )
    if partition == "adaptive" and order == 1 and n_dims > 1:
        raise InvalidInput(
            "order 1 in several dimensions takes a grid, where it is continuous: take partition='uniform'"
        )
    like = np.zeros((1 + order,) * n_dims)
    BoxNetwork(
        [[0.0, 1.0]] * n_dims,
        like,
        order=order,
        activation=activation,  # type: ignore[arg-type]
        steepness=1.0 if smooth and steepness is None else steepness,
        outside=outside,  # type: ignore[arg-type]
    )


def _counts(
    eps: float | None, n_boxes: int | Sequence[int] | None, n_dims: int, partition: str
) -> tuple[int, ...] | None:
    if (eps is None) == (n_boxes is None):
        raise InvalidInput(
            f"give eps or n_boxes, one of the two; got eps={quoted(eps)} and n_boxes={quoted(n_boxes)}"
        )
    if eps is not None:
        is_number = isinstance(eps, int | float | np.number) and not isinstance(eps, bool)
        if not is_number or not LEAST_EPS <= eps <= GREATEST_EPS:
            raise InvalidInput(
                f"eps must be a positive finite number, from {LEAST_EPS} to {GREATEST_EPS}; got {quoted(eps)}"
            )
        return None
    if not isinstance(n_boxes, Sequence) or isinstance(n_boxes, str):
        counts = (check_count("n_boxes", n_boxes),)
        check_n_cells(counts)
        return counts
    if partition != "uniform" or len(n_boxes) != n_dims:
        raise InvalidInput(
            f"n_boxes must be one number, or for uniform boxes one for each of {n_dims} dimensions; "
            f"got {quoted(n_boxes)} with partition={partition!r}"
        )
    along = tuple(check_count("n_boxes", n) for n in n_boxes)
    check_n_cells(along)
    return along


def _share_of_steps(
    target: Target, eps: float, activation: BoxActivationName, steepness: float | None
) -> tuple[float, float]:
    """Split eps between boxes and rising units; return the boxes' part and the steepness.

    By default the shares are those of a uniform partition with ``STEEPNESS_TIMES_WIDTH``: boxes L h / 2,
    rises L h deviation / that.
    """
    name: SmoothBoxName = "sigmoid" if activation == "sigmoid" else "relu"
    deviation = MEAN_DEVIATION[name]
    modulus = target.modulus or sampled_modulus(target)
    if steepness is None:
        part = deviation / STEEPNESS_TIMES_WIDTH[name]
        rises = eps * part / (0.5 + part)
        variation = float(modulus.across(np.full((1, 1), 1.0))[0])
        slope = variation if modulus.per_axis is not None else variation / min(1.0, rises)
        return eps - rises, max(deviation * slope / rises, 1e-300)
    moved = float(modulus.across(np.full((1, 1), deviation / steepness))[0])
    if moved >= eps:
        raise InvalidInput(
            f"steepness={steepness!r} alone moves f by up to {moved:.3g}, more than eps={eps!r}: take a "
            "greater steepness, or leave it out"
        )
    return eps - moved, steepness


def _network(
    target: Target,
    built: Built,
    order: int,
    activation: BoxActivationName,
    steepness: float | None,
    norm: BoxNormName,
    outside: BoxOutsideName,
) -> BoxNetwork:
    if order == 1 or activation == "step":
        return BoxNetwork(
            built.partition,
            built.heights,
            order=order,
            activation=activation,
            outside=outside,
            error_bound=built.bound,
            n_boxes_lower_bound=built.fewest,
        )
    assert isinstance(built.partition, Grid)
    name: SmoothBoxName = "sigmoid" if activation == "sigmoid" else "relu"
    edges = built.partition.edges[0]
    if steepness is None:
        steepness = STEEPNESS_TIMES_WIDTH[name] / float(np.diff(edges).min())
    ends = target.values(edges[[0, -1]][:, np.newaxis])
    n_ghost = n_ghost_cells(name, steepness, edges)
    edges, heights = with_ghost_cells(edges, built.heights, (float(ends[0]), float(ends[1])), n_ghost)
    bound = unproved(norm)
    if target.modulus is not None:
        moved = smoothing_modulus(target, MEAN_DEVIATION[name] / steepness)
        # Of units, of their sum, of the reflected heights, and of edges, which ghost cells round.
        rounding = 64 * UNIT * float(np.abs(heights).max() + np.abs(np.diff(heights)).sum())
        rounding += float(target.modulus.across(np.full((1, 1), 4 * UNIT * np.abs(edges).max()))[0])
        value = float(outward(built.bound.value + moved + rounding + 4 * target.rounding))
        kind: BoxBoundName = target.modulus.kind
        if math.isfinite(value):
            bound = ErrorBound(value, kind, theorem("smooth", norm), norm)
    return BoxNetwork(
        [edges], heights, activation=activation, steepness=steepness, n_ghost_boxes=n_ghost, error_bound=bound
    )


def smoothing_modulus(target: Target, deviation: float) -> float:
    """Bound by how much smoothing changes f, from the density's mean absolute deviation.

    E omega(|U|) is L E|U| for a Lipschitz function; of any modulus, with the subadditivity of f's own,
    E omega(|U|) <= E(1 + |U| / E|U|) omega(E|U|) = 2 omega(E|U|). f extended by point reflection has twice
    the modulus at most, and a Lipschitz function's own constant.
    """
    assert target.modulus is not None
    moved = float(target.modulus.across(np.full((1, 1), deviation))[0])
    return moved if target.modulus.per_axis is not None else 4 * moved

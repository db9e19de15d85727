"""Checks a user's Lipschitz constant, modulus, enclosure or second derivatives of f."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.proof.bounds import Modulus, outward
from treadle.boxes.proof.known_function import Array, Target, cut
from treadle.errors import InvalidInput
from treadle.formulas.branch_and_bound import lipschitz_constants, second_derivative_bounds
from treadle.formulas.enclosure import Enclosure, as_enclosure
from treadle.formulas.expressions import Expression, read_expression

ModulusLike = tuple[float, float] | Callable[[Array], ArrayLike]


def target_of(
    f: str | Callable[[Array], ArrayLike],
    domain: Array,
    *,
    lipschitz: float | Sequence[float] | None,
    modulus: ModulusLike | None,
    enclosure: object,
    second_derivative: ArrayLike | None,
    needs_curvature: bool,
) -> Target:
    """Combine f with all that is known of it; see ``approximate``'s arguments.

    Raises
    ------
    InvalidInput
        If f is neither text nor callable, or an argument is not what it has to be.
    """
    d = len(domain)
    if isinstance(f, str):
        f = read_expression(f, n_dims=d)
    if not callable(f):
        raise InvalidInput(f"f must be a function of arrays, or the text of a formula; got {f!r}")
    if isinstance(f, Expression) and f.n_dims != d:
        raise InvalidInput(f"f has {f.n_dims} variables, and bounds are those of {d} dimensions")
    known: Enclosure | None = None
    rounding = None
    greatest = 0.0
    if enclosure is not None:
        known = as_enclosure(enclosure)
    elif isinstance(f, Expression):
        if trouble := f.trouble(domain[:, 0], domain[:, 1]):
            raise InvalidInput(f"f must be defined and finite over the bounds. {trouble}")
        known = f
        parts = cut(domain[np.newaxis, :, 0], domain[np.newaxis, :, 1], max(1, int(4096 ** (1 / d))))
        rounding = float(f.rounding(*parts).max())
        greatest = float(np.abs(f.range(*parts)).max())
    continuity = _modulus(lipschitz, modulus, d)
    curvature = None if second_derivative is None else _curvature(second_derivative, d)
    if known is not None:
        if continuity is None:
            continuity = _enclosed_modulus(known, domain)
        if curvature is None and needs_curvature and _has_curvature(known, domain):
            if isinstance(known, Expression):
                bounds = known.second_derivatives(domain[:, 0], domain[:, 1])
            else:
                bounds = second_derivative_bounds(known, domain[:, 0], domain[:, 1])
            curvature = bounds if np.isfinite(bounds).all() else None
    target = Target(f, domain, continuity, known, curvature, rounding)
    target.largest_sampled = greatest
    return target


def _modulus(
    lipschitz: float | Sequence[float] | None, modulus: ModulusLike | None, d: int
) -> Modulus | None:
    if lipschitz is not None and modulus is not None:
        raise InvalidInput(
            "give lipschitz or modulus, not both: a Lipschitz constant L is the modulus (L, 1)"
        )
    if lipschitz is not None:
        constants = _numbers("lipschitz", lipschitz)
        if constants.shape not in ((), (d,)):
            raise InvalidInput(
                f"lipschitz must be one number, or one for each of the {d} dimensions; got {lipschitz!r}"
            )
        if constants.ndim or d == 1:
            return Modulus(np.broadcast_to(constants, (d,)).copy(), None, "lipschitz")
        constant = float(constants)
        return Modulus(None, lambda distance: constant * distance, "lipschitz")
    if modulus is None:
        return None
    if callable(modulus):
        return Modulus(None, _checked(modulus), "modulus")
    pair = _numbers("modulus", modulus)
    if pair.shape != (2,) or not 0 < pair[1] <= 1:
        raise InvalidInput(
            "modulus must be (M, alpha), for |f(x) - f(y)| <= M |x - y|^alpha with 0 < alpha <= 1, or a "
            f"function of distances; got {modulus!r}"
        )
    constant, exponent = pair.tolist()
    return Modulus(None, lambda distance: constant * np.power(distance, exponent), "modulus")


def _numbers(name: str, value: ArrayLike) -> Array:
    """Check that the numbers are finite and at least 0; return them."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be finite numbers of at least 0; got {value!r}") from error
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise InvalidInput(f"{name} must be finite numbers of at least 0; got {value!r}")
    return numbers


def _checked(modulus: Callable[[Array], ArrayLike]) -> Callable[[Array], Array]:
    def checked(distance: Array) -> Array:
        try:
            values = np.asarray(modulus(distance), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"modulus must be a function of an array of distances; {error}") from error
        if values.shape != distance.shape or not (values >= 0).all():
            raise InvalidInput(
                f"modulus must return a number of at least 0 for each distance; got shape {values.shape} for "
                f"distances of shape {distance.shape}"
            )
        return values

    return checked


def _curvature(second_derivative: ArrayLike, d: int) -> NDArray[np.float64]:
    """Return a bound of each second partial derivative, (d, d).

    From one number M, a bound of the Hessian's spectral norm, it is M times the identity, whose bound of the
    error of interpolation, sum_i M h_i^2 / 8, is the spectral norm's.
    """
    numbers = _numbers("second_derivative", second_derivative)
    if numbers.ndim == 0:
        # (1/8) sum_i M h_i^2 is what the spectral norm gives.
        return np.asarray(numbers * np.eye(d))
    if numbers.shape != (d, d):
        raise InvalidInput(
            f"second_derivative must be one number, or a matrix of shape ({d}, {d}) with a bound of each "
            f"second partial derivative; got shape {numbers.shape}"
        )
    return np.maximum(numbers, numbers.T)


def _enclosed_modulus(enclosure: Enclosure, domain: Array) -> Modulus | None:
    lower, upper = domain[np.newaxis, :, 0], domain[np.newaxis, :, 1]
    if enclosure.gradient_range(lower, upper) is None:
        return None
    if isinstance(enclosure, Expression):
        constants = enclosure.lipschitz(domain[:, 0], domain[:, 1])
    else:
        constants = lipschitz_constants(enclosure, domain[:, 0], domain[:, 1])
    return Modulus(outward(constants), None, "enclosure") if np.isfinite(constants).all() else None


def _has_curvature(enclosure: Enclosure, domain: Array) -> bool:
    lower, upper = domain[np.newaxis, :, 0], domain[np.newaxis, :, 1]
    return enclosure.second_derivative_bound(lower, upper) is not None


def sampled_modulus(target: Target) -> Modulus:
    """Sample Lipschitz constants, to choose how many boxes, not to prove."""
    d = target.n_dims
    n = 1 << 14
    rng = np.random.default_rng(0)
    if d == 1:
        points = np.linspace(target.bounds[0, 0], target.bounds[0, 1], n)[:, np.newaxis]
        slopes = np.abs(np.diff(target.values(points))) / np.diff(points[:, 0])
        return Modulus(np.array([slopes.max()]), None, "lipschitz")
    points = rng.uniform(target.bounds[:, 0], target.bounds[:, 1], (n, d))
    before, constants = target.values(points), np.empty(d)
    for i in range(d):
        step = target.widths[i] / 1000
        moved = points.copy()
        moved[:, i] += np.where(moved[:, i] + step <= target.bounds[i, 1], step, -step)
        constants[i] = float(
            (np.abs(target.values(moved) - before) / np.abs(moved[:, i] - points[:, i])).max()
        )
    return Modulus(constants, None, "lipschitz")


def is_lipschitz(modulus: Modulus | None) -> bool:
    """Say whether a Lipschitz constant is known, as the theorem of smoothing needs."""
    return modulus is not None and math.isfinite(float(modulus.across(np.ones((1, 1))).max(initial=0.0)))

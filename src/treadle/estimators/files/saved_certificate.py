"""Stores a certificate of optimality in a file's fields and arrays.

The proof survives the file. The sides of the dual values are one bit a row. What comes back is checked for
shape and kind, not believed: it proves nothing before ``verify`` is called with the data.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import InvalidInput
from treadle.l1.proof.certificate import Certificate
from treadle.maths.dtypes import Arrays
from treadle.messages import quoted
from treadle.strict_text import ParsedTable

NUMBERS = ("intercept", "centre_intercept", "quantile", "alpha", "primal", "dual")
LARGEST_ROW = 1 << 53
ARRAYS = {"coef": np.float64, "basis": np.int64, "rows": np.int64, "values": np.float64}
# Of certificates from before X was measured from a centre these are missing: it was 0. Their sides are not
# read: a row whose residual was zero to rounding had none.
LATER = {"centre": np.float64, "origin": np.int64, "left_out": np.int64}


def certificate_parts(certificate: Certificate) -> tuple[ParsedTable, Arrays]:
    """Return a certificate's fields for JSON, and its arrays, float64 and int64."""
    fields: ParsedTable = {name: float(getattr(certificate, name)) for name in NUMBERS}
    fields |= {"fit_intercept": bool(certificate.fit_intercept), "unique": certificate.unique}
    arrays = {
        name: np.asarray(value, dtype)
        for name, dtype in (ARRAYS | LATER).items()
        if (value := getattr(certificate, name)) is not None
    }
    if certificate.origin.dtype.kind == "u":  # of numbers beyond 2^63, whose bits the file holds
        fields["unsigned_origin"] = True
    side = certificate.side
    fields["n_sides"] = None if side is None else len(side)
    if side is not None:
        bits = np.packbits(side > 0)
        arrays["sides"] = np.concatenate([bits, np.zeros(-len(bits) % 8, np.uint8)]).view(np.int64)
    return fields, arrays


def certificate_from(fields: ParsedTable, arrays: Arrays) -> Certificate:
    """Make the certificate from its parts.

    Raises
    ------
    InvalidInput, KeyError or TypeError
        If a part is missing, of another kind, or does not fit the others.
    """
    arrays, fields, has_sides = _of_any_version(fields, arrays)
    check_parts(fields, arrays)
    n_sides, side = fields["n_sides"], None
    if n_sides is not None and has_sides:
        side = np.unpackbits(arrays["sides"].view(np.uint8), count=n_sides).astype(np.int8)
        side *= 2
        side -= 1
    numbers: ParsedTable = {name: float(fields[name]) for name in NUMBERS}
    vectors: ParsedTable = {name: arrays.get(name) for name in ARRAYS | LATER}
    if fields.get("unsigned_origin") is True:
        vectors["origin"] = vectors["origin"].view(np.uint64)
    flags = {name: fields[name] for name in ("fit_intercept", "unique")}
    return Certificate(**numbers, **vectors, **flags, side=side)


def _of_any_version(fields: ParsedTable, arrays: Arrays) -> tuple[Arrays, ParsedTable, bool]:
    """Add what older files lack; say whether to read the sides."""
    if "centre_intercept" in fields:
        return arrays, fields, True
    D = len(arrays["coef"])
    without: Arrays = {"centre": np.zeros(D), "origin": np.zeros(D, np.int64)}
    if len(arrays["basis"]) > D + 1:  # of a sparse X, which had no basis yet
        without["basis"] = np.empty(0, np.int64)
    return arrays | without, fields | {"centre_intercept": fields["intercept"]}, False


def check_parts(fields: ParsedTable, arrays: Arrays) -> None:
    """Raise InvalidInput unless a regression's parts are finite and of fitting shapes.

    What is in them is not believed for that: ``Certificate.verify`` says whether it proves anything.
    """
    for name in NUMBERS:
        _check_finite(name, fields[name])
    if fields["primal"] < 0:
        raise InvalidInput(f"primal must be at least 0; got {fields['primal']}")
    if not 0 < fields["quantile"] < 1:
        raise InvalidInput(f"quantile must be between 0 and 1; got {fields['quantile']}")
    if fields["alpha"] < 0:
        raise InvalidInput(f"alpha must be at least 0; got {fields['alpha']}")
    fit_intercept, unique = fields["fit_intercept"], fields["unique"]
    if type(fit_intercept) is not bool or not (unique is None or type(unique) is bool):
        raise InvalidInput(
            f"fit_intercept and unique must be true or false; got {quoted(fit_intercept)}, {quoted(unique)}"
        )
    for name, dtype in (ARRAYS | LATER).items():
        if name not in arrays and name == "left_out":
            continue
        if arrays[name].ndim != 1 or arrays[name].dtype != dtype:
            raise InvalidInput(
                f"{name} must be a vector of {np.dtype(dtype)}; got {arrays[name].dtype} {arrays[name].shape}"
            )
    coef, basis, rows = arrays["coef"], arrays["basis"], arrays["rows"]
    if not len(coef):
        raise InvalidInput("coef must have an entry at least")
    if len(rows) != len(arrays["values"]) or not (np.diff(rows) > 0).all():
        raise InvalidInput("rows must ascend, and each have a value")
    n_sides, n_rows = fields["n_sides"], LARGEST_ROW
    if n_sides is not None:
        bits = arrays["sides"]
        if bits.dtype != np.int64 or bits.ndim != 1:
            raise InvalidInput(f"sides must be a vector of int64; got {bits.dtype} {bits.shape}")
        if type(n_sides) is not int or not 0 < n_sides <= 64 * len(bits):
            raise InvalidInput(f"n_sides must be from 1 to {64 * len(bits)}; got {quoted(n_sides)}")
        n_rows = n_sides
    if len(basis) > len(coef) + 1 or len(np.unique(basis)) < len(basis):
        raise InvalidInput(f"basis must be at most {len(coef) + 1} rows that differ; got {quoted(basis)}")
    for name, indices, most in (("rows", rows, n_rows + len(coef)), ("basis", basis, n_rows + len(coef))):
        if not ((indices >= 0) & (indices < most)).all():
            raise InvalidInput(f"{name} must be from 0 to {most - 1}; got {quoted(indices)}")


def fit_numbers(fields: ParsedTable) -> tuple[float, int]:
    """Return the objective and the number of iterations, checked.

    InvalidInput if they are no such numbers.
    """
    objective, n_iter = fields["objective"], fields["n_iter"]
    _check_finite("objective", objective)
    if objective < 0 or type(n_iter) is not int or n_iter < 0:
        raise InvalidInput(
            "objective must be at least 0, and n_iter a whole number of at least 0; got "
            f"{quoted(objective)}, {quoted(n_iter)}"
        )
    return float(objective), n_iter


def _check_finite(name: str, value: Any) -> None:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InvalidInput(f"{name} must be a finite number; got {quoted(value)}")

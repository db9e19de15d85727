"""A certificate of optimality as the fields and arrays of a file, and back; the proof survives the file.

The sides of the dual values are one bit a row. What comes back is checked for shape and kind, not believed:
it proves nothing before ``verify`` is called with the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.l1.proof.certificate import Certificate

NUMBERS = ("intercept", "centre_intercept", "quantile", "alpha", "primal", "dual")
ARRAYS = {"coef": np.float64, "basis": np.int64, "rows": np.int64, "values": np.float64}
# Of certificates from before X was measured from a centre these are missing: it was 0. Their sides are not
# read: a row whose residual was zero to rounding had none.
LATER = {"centre": np.float64, "origin": np.int64, "left_out": np.int64}


def certificate_parts(certificate: Certificate) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Fields that JSON can hold, and arrays of float64 and int64."""
    fields: dict[str, Any] = {name: float(getattr(certificate, name)) for name in NUMBERS}
    fields |= {"fit_intercept": bool(certificate.fit_intercept), "unique": certificate.unique}
    arrays = {
        name: np.asarray(value, dtype)
        for name, dtype in (ARRAYS | LATER).items()
        if (value := getattr(certificate, name)) is not None
    }
    side = certificate.side
    fields["n_sides"] = None if side is None else len(side)
    if side is not None:
        bits = np.packbits(side > 0)
        arrays["sides"] = np.concatenate([bits, np.zeros(-len(bits) % 8, np.uint8)]).view(np.int64)
    return fields, arrays


def certificate_from(fields: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Certificate:
    """The certificate of those parts.

    Raises
    ------
    InvalidInput, KeyError or TypeError
        If a part is missing, of another kind, or does not fit the others.
    """
    D = len(arrays["coef"])
    without: dict[str, Any] = {"centre": np.zeros(D), "origin": np.zeros(D, np.int64), "left_out": None}
    fields_given = fields
    arrays, fields = without | arrays, {"centre_intercept": fields["intercept"]} | fields
    for name, dtype in (ARRAYS | LATER).items():
        if arrays[name] is None:
            continue
        if arrays[name].ndim != 1 or arrays[name].dtype != dtype:
            raise InvalidInput(
                f"{name} must be a vector of {np.dtype(dtype)}; got {arrays[name].dtype} {arrays[name].shape}"
            )
    if len(arrays["rows"]) != len(arrays["values"]) or not (np.diff(arrays["rows"]) > 0).all():
        raise InvalidInput("rows must ascend, and each have a value")
    numbers: dict[str, Any] = {name: float(fields[name]) for name in NUMBERS}
    fit_intercept, unique, n_sides = fields["fit_intercept"], fields["unique"], fields["n_sides"]
    if not isinstance(fit_intercept, bool) or not (unique is None or isinstance(unique, bool)):
        raise InvalidInput(f"fit_intercept and unique must be true or false; got {fit_intercept}, {unique}")
    side = None
    if n_sides is not None and "centre_intercept" in fields_given:
        bits = arrays["sides"].astype(np.int64).view(np.uint8)
        if not isinstance(n_sides, int) or not 0 < n_sides <= 8 * len(bits):
            raise InvalidInput(f"n_sides must be from 1 to {8 * len(bits)}; got {n_sides}")
        side = np.where(np.unpackbits(bits, count=n_sides), 1, -1).astype(np.int8)
    vectors: dict[str, Any] = {name: arrays[name] for name in ARRAYS | LATER}
    return Certificate(**numbers, **vectors, fit_intercept=fit_intercept, unique=unique, side=side)

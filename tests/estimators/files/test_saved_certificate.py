"""A certificate as fields and arrays: the proof survives; parts that do not fit are refused one by one."""

import json
import math

import numpy as np
import pytest

from treadle.errors import InvalidInput
from treadle.estimators.files.saved_certificate import certificate_from, certificate_parts, fit_numbers
from treadle.l1.dense.solve import solve

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(37, 2)), RNG.normal(size=37)


def certificate(**options):
    return solve(X, Y, **options).certificate


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quantile": 0.2, "alpha": 0.05},
        {"fit_intercept": False},
        {"sample_weight": RNG.uniform(0, 2, 37)},
    ],
)
def test_the_proof_survives_json_and_arrays(options):
    made = certificate(**options)
    fields, arrays = certificate_parts(made)
    again = certificate_from(json.loads(json.dumps(fields, allow_nan=False)), arrays)
    weights = {"sample_weight": options["sample_weight"]} if "sample_weight" in options else {}
    assert again.verify(X, Y, **weights)
    np.testing.assert_array_equal(again.side, made.side)
    assert {array.dtype.kind for array in arrays.values()} <= {"i", "f"}
    assert fields == certificate_parts(again)[0]


@pytest.mark.parametrize("n", [8, 63, 64, 65])
def test_a_side_is_one_bit_a_row(n):
    made = solve(X[:, :1].repeat(2, 0)[:n], np.arange(n) % 7 + RNG.random(n)).certificate
    fields, arrays = certificate_parts(made)
    assert fields["n_sides"] == n and arrays["sides"].size == -(-n // 64)
    assert set(certificate_from(fields, arrays).side) <= {-1, 1}


def test_an_origin_beyond_int64_keeps_its_bits():
    made = certificate().with_origin(np.array([2**63 + 5, 0], np.uint64))
    fields, arrays = certificate_parts(made)
    assert arrays["origin"].dtype == np.int64
    found = certificate_from(fields, arrays).origin
    assert found.dtype == np.uint64 and found.tolist() == [2**63 + 5, 0]


def test_of_files_before_centres_the_centre_is_zero_and_sides_are_not_read():
    fields, arrays = certificate_parts(certificate())
    old = {name: value for name, value in fields.items() if name != "centre_intercept"}
    kept = {name: value for name, value in arrays.items() if name not in ("centre", "origin", "left_out")}
    found = certificate_from(old, kept)
    assert found.side is None and found.centre.tolist() == [0, 0] and found.origin.tolist() == [0, 0]
    assert found.centre_intercept == fields["intercept"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"primal": -1.0}, "primal must be at least 0; got -1.0"),
        ({"dual": math.nan}, "dual must be a finite number; got nan"),
        ({"intercept": "0"}, "intercept must be a finite number; got '0'"),
        ({"alpha": True}, "alpha must be a finite number; got True"),
        ({"quantile": 1.0}, "quantile must be between 0 and 1; got 1.0"),
        ({"alpha": -0.1}, "alpha must be at least 0; got -0.1"),
        ({"unique": 1}, "fit_intercept and unique must be true or false; got True, 1"),
        ({"n_sides": 65}, "n_sides must be from 1 to 64; got 65"),
        ({"n_sides": 10**9}, "n_sides must be from 1 to 64"),
        ({"n_sides": "9"}, "n_sides must be from 1 to 64; got '9'"),
        ({"unique": "yes"}, "must be true or false; got True, 'yes'"),
        ({"n_sides": True}, "n_sides must be from 1 to 64; got True"),
    ],
)
def test_fields_that_are_none_are_refused(changes, message):
    fields, arrays = certificate_parts(certificate())
    with pytest.raises(InvalidInput, match=message):
        certificate_from(fields | changes, arrays)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coef": np.zeros((1, 2))}, r"coef must be a vector of float64; got float64 \(1, 2\)"),
        ({"rows": np.zeros(2)}, "rows must be a vector of int64; got float64"),
        ({"coef": np.zeros(0), "basis": np.zeros(0, np.int64)}, "coef must have an entry at least"),
        ({"rows": np.array([3, 2]), "values": np.zeros(2)}, "rows must ascend, and each have a value"),
        ({"values": np.zeros(9)}, "rows must ascend, and each have a value"),
        ({"sides": np.zeros(1)}, "sides must be a vector of int64; got float64"),
        ({"basis": np.arange(4)}, "basis must be at most 3 rows that differ; got"),
        ({"basis": np.array([1, 1])}, "basis must be at most 3 rows that differ"),
        ({"basis": np.array([0, 39])}, "basis must be from 0 to 38; got"),
        ({"rows": np.array([-1]), "values": np.zeros(1)}, "rows must be from 0 to 38; got"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    fields, arrays = certificate_parts(certificate())
    with pytest.raises(InvalidInput, match=message):
        certificate_from(fields, arrays | changes)


def test_what_is_planted_is_not_believed_but_verified():
    fields, arrays = certificate_parts(certificate())
    arrays["coef"] = arrays["coef"] + 1e-9
    assert not certificate_from(fields, arrays).verify(X, Y)


def test_the_numbers_of_a_fit():
    assert fit_numbers({"objective": 2, "n_iter": 7}) == (2.0, 7)
    for changes in ({"objective": -1.0}, {"n_iter": -1}, {"n_iter": True}, {"n_iter": 1.0}):
        with pytest.raises(
            InvalidInput, match="objective must be at least 0, and n_iter a whole number of at"
        ):
            fit_numbers({"objective": 2.0, "n_iter": 7} | changes)
    with pytest.raises(InvalidInput, match="objective must be a finite number; got inf"):
        fit_numbers({"objective": math.inf, "n_iter": 7})

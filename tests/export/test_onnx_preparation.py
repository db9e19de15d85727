"""Preparations as ONNX graphs, run by ONNX Runtime against the tables' own."""

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import helper, numpy_helper

from tests.tables.preparation.test_preparation import FRAME, PREPARATION, frame_of
from treadle.export.onnx import IR_VERSION, OPSET
from treadle.export.onnx_preparation import LABELS, LABELS_OPSET, preparation_nodes
from treadle.tables import prepare, read_table

MISSING_DATE = np.iinfo(np.int64).min


def session_of(preparation):
    made = preparation_nodes(helper, preparation)
    width = preparation.n_outputs
    graph = helper.make_graph(
        made.nodes,
        "prepare",
        made.inputs,
        [helper.make_tensor_value_info(made.output, onnx.TensorProto.FLOAT, ["N", width])],
        [numpy_helper.from_array(array, name) for name, array in made.constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(LABELS, LABELS_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def feeds(session, frame):
    """The frame's columns as a user of the graph would give them, by pandas alone."""
    given = {}
    for column in session.get_inputs():
        cells = frame[column.name]
        if column.type == "tensor(double)":
            values = cells.astype("float64").to_numpy()
        elif column.type == "tensor(int64)":
            micro = cells.astype("datetime64[us]")
            values = micro.astype("int64").where(micro.notna(), MISSING_DATE).to_numpy()
        else:
            words = [str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in cells]
            values = np.where(cells.isna(), "", np.array(words, dtype=object)).astype(object)
        given[column.name] = values[:, None]
    return given


def run(preparation, frame):
    session = session_of(preparation)
    return session.run(None, feeds(session, frame))[0]


@pytest.mark.parametrize("frame", [FRAME, frame_of(50, seed=1), FRAME.head(1)], ids=len)
def test_the_graph_makes_the_same_matrix(frame):
    X = PREPARATION.transform(read_table(frame)).X
    found = run(PREPARATION, frame)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, X, rtol=0, atol=1e-6)


def test_inputs_are_columns_of_their_types():
    inputs = {column.name: column.type for column in session_of(PREPARATION).get_inputs()}
    assert inputs == {
        "port": "tensor(string)",
        "area": "tensor(double)",
        "city": "tensor(string)",
        "new": "tensor(string)",
        "rooms": "tensor(double)",
        "sold": "tensor(int64)",
    }


def test_unseen_missing_and_infinite_cells_are_as_in_a_table():
    new = FRAME.head(4).assign(
        port=["port 1", "port X", None, "port Y"],
        area=[np.inf, -np.inf, np.nan, 1.7e308],
        rooms=[1.0, np.nan, 2.0, 3.0],
        city=["Bonn", None, "Rom", ""],
        sold=pd.Series([pd.NaT, pd.NaT, pd.Timestamp("1066-10-14"), pd.Timestamp("2199-12-31 23:59:59")]),
    )
    X = PREPARATION.transform(read_table(new)).X
    found = run(PREPARATION, new)
    np.testing.assert_allclose(found, X, rtol=0, atol=1e-6)
    assert np.isfinite(found).all()


def test_the_calendar_of_any_moment():
    rng = np.random.default_rng(0)
    days = np.arange(-135_500, 11_500) * 86_400_000_000  # 400 years, to 2001
    moments = np.concatenate([rng.integers(-6 * 10**16, 2 * 10**17, 3000), days])
    frame = pd.DataFrame({"d": pd.Series(moments.astype("datetime64[us]"))})
    preparation = prepare(read_table(frame))
    assert preparation.n_numbers == 8
    np.testing.assert_allclose(
        run(preparation, frame), preparation.transform(read_table(frame)).X, rtol=0, atol=1e-6
    )


def test_one_column_of_each_kind_alone():
    for name in PREPARATION.feature_names:
        one = PREPARATION.only(name)
        X = one.transform(read_table(FRAME[[name]])).X
        np.testing.assert_allclose(run(one, FRAME[[name]]), X, rtol=0, atol=1e-6)


def test_a_constant_column_that_is_no_more_constant_stays_zero():
    frame = pd.DataFrame({"a": [7.0, np.nan, 7.0], "b": [1.0, 2.0, 4.0]})
    preparation = prepare(read_table(frame))
    new = pd.DataFrame({"a": [8.0, np.inf, np.nan], "b": [1.0, 2.0, 3.0]})
    X = preparation.transform(read_table(new)).X
    np.testing.assert_allclose(run(preparation, new), X, rtol=0, atol=1e-6)
    assert (X[:, 0] == 0).all()

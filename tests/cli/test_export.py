"""``treadle export`` as a person calls it."""

import numpy as np
import pytest

from treadle import Run, load_data, select_engine
from treadle.cli import run


def test_export_writes_a_file_that_predicts_the_same(trained, tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    assert run(["export", str(trained), str(path)]) == 0
    assert capsys.readouterr().out == (f"ONNX  {path}  (2410 parameters)\nX     pixels: black 0, white 16\n")
    X = load_data("digits").X_test
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"X": X.astype(np.float32)})
    model = Run.open(trained).model()
    expected = select_engine("numpy").engine.predict(model.parameters, X)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-6)
    assert run(["export", str(trained), str(tmp_path / "none" / "net.onnx")]) == 1
    assert "none/net.onnx: No such file or directory" in capsys.readouterr().err

"""``treadle export``: writes a trained classifier as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_result

app = cyclopts.App(name="export")


@app.default
def export(run: Path, file: Path, /) -> int:
    """Write a run's model as ONNX, for other programs and languages.

    treadle export runs/fashion-mnist-1 fashion.onnx

    The file takes rows as the data set has them (pixels of Fashion-MNIST: 0 to
    255), in float32, and gives the probabilities of the classes. It needs:
    pip install 'treadle[onnx]'.

    Parameters
    ----------
    run
        Folder of a finished run.
    file
        The file to write; one that exists is replaced.
    """
    from treadle.export.onnx import save_onnx
    from treadle.runs.run import Run

    model = Run.open(run).model()
    save_onnx(file, model)
    print_result(f"ONNX  {file}  ({model.network.n_parameters} parameters)")
    if model.image_shape and model.pixel_units:
        print_result(f"X     pixels: {model.pixel_units}")
    return 0

"""``treadle export RUN FILE``: writes a run on a table as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from treadle.cli.terminal import print_result

app = cyclopts.App(name="export")


@app.default
def export(run: Path, file: Path, /) -> int:
    """Write a run's model as ONNX, the preparation of the table with it.

    treadle export runs/houses-1 houses.onnx

    The file takes each column by its name, shape (N, 1): numbers in float64,
    NaN where missing; categories as text, empty where missing; dates as int64
    microseconds since 1970. It needs: pip install 'treadle[onnx]'.

    Parameters
    ----------
    run
        Folder of a finished run.
    file
        The file to write; one that exists is replaced.
    """
    from treadle.runs.table_run import TableRun

    model = TableRun.open(run).model()
    model.save_onnx(file)
    print_result(f"ONNX  {file}  ({model.network_.n_parameters} parameters)")
    print_result(f"columns  {', '.join(model.preparation_.feature_names)}")
    return 0

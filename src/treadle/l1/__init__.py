"""Exact linear regression under the L1 norm, with a certificate of optimality."""

from treadle.l1.inference.inference import Inference, infer
from treadle.l1.inference.quantile_process import QuantileProcess, quantile_process
from treadle.l1.proof.optimal_lines import optimal_lines
from treadle.l1.sources.chunk_rows import ChunkRows
from treadle.l1.sources.dask_rows import DaskRows
from treadle.l1.sources.npy_rows import NpyRows
from treadle.l1.sources.parquet_rows import ParquetRows

__all__ = [
    "ChunkRows",
    "DaskRows",
    "Inference",
    "NpyRows",
    "ParquetRows",
    "QuantileProcess",
    "infer",
    "optimal_lines",
    "quantile_process",
]

"""Exact linear regression under the L1 norm, with a certificate of optimality."""

from treadle.l1.chunk_rows import ChunkRows
from treadle.l1.dask_rows import DaskRows
from treadle.l1.inference import Inference, infer
from treadle.l1.npy_rows import NpyRows
from treadle.l1.parquet_rows import ParquetRows
from treadle.l1.process import QuantileProcess, quantile_process

__all__ = [
    "ChunkRows",
    "DaskRows",
    "Inference",
    "NpyRows",
    "ParquetRows",
    "QuantileProcess",
    "infer",
    "quantile_process",
]

"""L1 regression of ten million rows from a .npy file and from Parquet: passes, time, memory, certificate.

    python benchmarks/l1_stream.py [--rows 10_000_000] [--features 10] [--folder FOLDER]

Makes the files in the folder (a temporary one by default), a row being t noise of 1.5 degrees of freedom
around a plane, 5 % of the targets gross outliers and .1 % of the rows leverage points. Each regression runs
in a process of its own. Memory is the anonymous memory (RssAnon of /proc/self/status) at its highest, less
that before the first row is read: pages of a mapped file are the file's, and the system takes them back when
it needs them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

BLOCK = 1 << 18
ROW_GROUP = 1 << 19


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--features", type=int, default=10)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--worker", nargs=2, metavar=("KIND", "PATH"), help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.worker:
        print(json.dumps(solve_in_this_process(*options.worker)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        paths = write_files(Path(folder), options.rows, options.features, options.seed)
        results = {kind: run(kind, path) for kind, path in paths.items()}
    print(table(results, options.rows, options.features))


def rows_of(n: int, d: int, seed: int):
    """Blocks (n, d + 1), float32, the target last."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=d)
    for start in range(0, n, BLOCK):
        k = min(BLOCK, n - start)
        X = rng.normal(size=(k, d))
        y = X @ w + 1 + rng.standard_t(1.5, k)
        y[rng.random(k) < 0.05] += 100 * rng.normal()
        X[rng.random(k) < 0.001] *= 100
        yield np.column_stack([X, y]).astype(np.float32)


def write_files(folder: Path, n: int, d: int, seed: int) -> dict[str, Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = {"npy": folder / "rows.npy", "parquet": folder / "rows.parquet"}
    names = [*(f"x{j}" for j in range(d)), "y"]
    array = np.lib.format.open_memmap(paths["npy"], mode="w+", dtype=np.float32, shape=(n, d + 1))
    schema = pa.schema([(name, pa.float32()) for name in names])
    start = 0
    with pq.ParquetWriter(paths["parquet"], schema, write_page_checksum=True) as writer:
        for block in rows_of(n, d, seed):
            array[start : start + len(block)] = block
            start += len(block)
            columns = dict(zip(names, np.ascontiguousarray(block.T), strict=True))
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)
    array.flush()
    return paths


def run(kind: str, path: Path) -> dict[str, float]:
    """The regression in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--worker", kind, str(path)], capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def solve_in_this_process(kind: str, path: str) -> dict[str, object]:
    from treadle.l1.dense.solve import solve_rows
    from treadle.l1.sources.npy_rows import NpyRows
    from treadle.l1.sources.parquet_rows import ParquetRows

    rows = NpyRows(path, -1) if kind == "npy" else ParquetRows(path, "y")
    with HighestMemory() as memory:
        begin = time.perf_counter()
        solution = solve_rows(rows)
        seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    verification = solution.certificate.verify_rows(rows)
    return {
        "passes": solution.n_passes,
        "seconds": seconds,
        "megabytes": memory.megabytes,
        "process_megabytes": memory.highest / 1e6,
        "objective": solution.objective,
        "coef": solution.coef.tolist(),
        "certified": bool(verification),
        "verification": str(verification),
        "verification_seconds": time.perf_counter() - begin,
    }


class HighestMemory:
    """Looks at the process's anonymous memory every five milliseconds."""

    def __enter__(self) -> HighestMemory:
        self.before = self.highest = anonymous_memory()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.highest = max(self.highest, anonymous_memory())

    @property
    def megabytes(self) -> float:
        """What the process took at its highest, beyond what it had."""
        return (self.highest - self.before) / 1e6


def anonymous_memory() -> int:
    """Bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("RssAnon"))


def table(results: dict[str, dict[str, object]], n: int, d: int) -> str:
    lines = [
        f"{n:,} rows x {d} features, float32",
        "",
        "| from | passes | seconds | MB | process, MB | objective | certificate | its check, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {r['passes']} | {r['seconds']:.2f} | {r['megabytes']:.0f} | "
        f"{r['process_megabytes']:.0f} | "
        f"{r['objective']:.6f} | {'verified' if r['certified'] else 'NOT VERIFIED'} | "
        f"{r['verification_seconds']:.1f} |"
        for kind, r in results.items()
    ]
    lines += ["", *(str(r["verification"]) for r in results.values())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Rows per second of a pass, and memory of a fit, for large tables.

Run it while nothing else is running. Ten million rows take about 2.5 GB of disk::

    python -m benchmarks.scale
    python -m benchmarks.scale --rows 100000 1000000 --folder /somewhere/with/room

The rows are generated, with 50 features in single precision. They are in memory, in a
memory-mapped file, in Parquet, and in a Dask array of the mapped file. Each line is
measured in a separate process, and has

- thousands of rows per second in a pass for the loss and its gradient, as the best of
  three;
- seconds of distilling ten rows for ``LogisticRegression``, including compilation, and
  the number of passes;
- maximum memory during ``fit`` beyond the memory in use before it, which includes JAX
  and rows in memory. Pages of mapped files do not count, because the system can take
  them back.
"""

import tempfile
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks._figures import figures_of, parser_of

N_FEATURES = 50
BATCH = 250_000
CONTAINERS = ("memory", "mapped", "parquet", "dask")


def generate(folder, n_rows):
    """Write rows to a NumPy file and to a Parquet file, a batch at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    coef = rng.standard_normal(N_FEATURES).astype(np.float32)
    open_memmap = np.lib.format.open_memmap
    shape = n_rows, N_FEATURES
    X = open_memmap(folder / "X.npy", mode="w+", dtype=np.float32, shape=shape)
    y = open_memmap(folder / "y.npy", mode="w+", dtype=np.int8, shape=(n_rows,))
    names = [f"x{j}" for j in range(N_FEATURES)]
    schema = pa.schema([(name, pa.float32()) for name in names] + [("y", pa.int8())])
    with parquet.ParquetWriter(folder / "rows.parquet", schema) as file:
        for first in range(0, n_rows, BATCH):
            rows = slice(first, min(first + BATCH, n_rows))
            size = rows.stop - first
            X[rows] = rng.standard_normal((size, N_FEATURES), dtype=np.float32)
            noise = 2 * rng.standard_normal(size)
            y[rows] = X[rows] @ coef + noise > 0
            columns = [*X[rows].T, y[rows]]
            arrays = [pa.array(column) for column in columns]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def rows_in(container, folder):
    """Return samples and targets in a container."""
    if container == "parquet":
        return folder / "rows.parquet", "y"
    mode = None if container == "memory" else "r"
    X, y = (np.load(folder / f"{name}.npy", mmap_mode=mode) for name in "Xy")
    if container == "dask":
        from dask import array

        return array.from_array(X, (BATCH, N_FEATURES)), array.from_array(y, BATCH)
    return X, y


class PeakMemory:
    """Maximum memory of this process in megabytes during a ``with`` block."""

    def __enter__(self):
        self.before = self.most = self.now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    @property
    def above(self):
        """Maximum memory beyond that in use before the block."""
        return self.most - self.before

    @staticmethod
    def now():
        """Return the memory in use, without pages of files."""
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024
        raise OSError("/proc/self/status has no RssAnon. Run this on Linux.")

    def _watch(self):
        while not self._done.wait(0.005):
            self.most = max(self.most, self.now())


def run(container, folder):
    """Fit in this process, and return figures and a line."""
    from sklearn.linear_model import LogisticRegression

    from skdistill import DatasetDistiller
    from skdistill.objectives import OuterLoss
    from skdistill.real._blocks import BlockRows
    from skdistill.real._dense import DenseRows
    from skdistill.real._reading import read_rows
    from skdistill.students import student_for

    warnings.simplefilter("ignore")
    estimator = LogisticRegression(C=10)
    distiller = DatasetDistiller(estimator, n_synthetic=10, random_state=0)
    # Load all modules before the memory is measured.
    rng = np.random.default_rng(0)
    distiller.fit(rng.standard_normal((1000, N_FEATURES)), np.arange(1000) % 2)
    X, y = rows_in(container, folder)
    passes = []
    for form in (BlockRows, DenseRows):
        form.map_sum = _counted(form.map_sum, passes)
    with PeakMemory() as memory:
        start = time.perf_counter()
        distiller.fit(X, y)
        seconds = time.perf_counter() - start
    real, _ = read_rows(distiller, X, y, None)
    n_passes = sum(rows == real.n_rows for rows in passes)
    student = student_for(estimator, real.targets.task(N_FEATURES))
    loss = OuterLoss(real, student.raw_prediction, student.outer_loss)
    params = student.params_of(distiller.estimator_, None)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        loss.value_and_grad(params)
        times.append(time.perf_counter() - start)
    return {
        "count": {"passes": n_passes},
        "loss": {"loss": distiller.loss_},
        "bytes": {"memory": memory.above * 2**20},
        "seconds": {"fit": seconds, "pass": min(times)},
    }, (
        f"{container:10} {real.n_rows:10} {real.n_rows / min(times) / 1e3:10.0f} "
        f"{seconds:9.1f} {n_passes:7} {memory.above:6.0f} {distiller.loss_:8.5f} "
        f"{distiller.solver_}"
    )


def _counted(map_sum, passes):
    def counting(self, function, *arguments, rows=None):
        if rows is None:
            passes.append(self.n_rows)
        return map_sum(self, function, *arguments, rows=rows)

    return counting


def main():
    """Print a line for each container and number of rows."""
    parser = parser_of(__doc__)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument("--containers", nargs="+", default=CONTAINERS)
    parser.add_argument("--folder", help="folder for temporary files of the rows")
    arguments = parser.parse_args()
    figures = figures_of(arguments)
    print("container        rows   1000/s  fit (s)  passes     MB     loss solver")
    for n_rows in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            generate(Path(folder), n_rows)
            for container in arguments.containers:
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    found, line = process.submit(run, container, Path(folder)).result()
                print(line, flush=True)
                figures.add_all(f"{container} {n_rows}", found)
    figures.end()


if __name__ == "__main__":
    main()

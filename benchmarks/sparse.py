"""Time and memory for tf-idf of many documents, next to scikit-learn's fit.

Run it while nothing else is running::

    python -m benchmarks.sparse
    python -m benchmarks.sparse --documents 20000 --terms 20000

The corpus is generated. The frequencies of terms follow Zipf's law, classes differ in
their frequent terms, and a twentieth of the labels is wrong. By default the rows have
the total weight of the documents, so that an exact set exists. With
``--weighting unit`` the rows are found by iteration. Each line is measured in a
separate process, and has

- seconds of ``fit``, including compilation, and CPU seconds;
- number of passes over the rows, for ``DatasetDistiller``;
- maximum memory during ``fit`` beyond that in use before, which includes the matrix;
- loss and accuracy of the fitted model on a quarter as many other documents.
"""

import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from benchmarks._figures import figures_of, parser_of

#: Exponent of the frequencies, number of terms in a document, and strength of classes.
ZIPF = 1.05
LENGTH = 150
PREFERENCE = 0.25
WRONG_LABELS = 0.05
#: Number of documents that are drawn at a time.
BATCH = 10_000
PARTS = ("data", "indices", "indptr", "y")


def corpus(n_documents, n_terms, n_classes, seed=0):
    """Return a generated tf-idf matrix, and the classes of the documents."""
    rng = np.random.default_rng(seed)
    frequency = np.arange(1, n_terms + 1) ** -ZIPF
    liking = np.exp(PREFERENCE * rng.standard_normal((n_classes, n_terms)))
    cumulated = np.cumsum(frequency * liking, axis=1)
    y = rng.integers(0, n_classes, n_documents)
    counts, terms, values = np.zeros(n_documents + 1, dtype=np.int32), [], []
    for start in range(0, n_documents, BATCH):
        batch = y[start : start + BATCH]
        lengths = rng.poisson(LENGTH, len(batch)) + 1
        topic = np.repeat(batch, lengths)
        drawn = np.empty(len(topic), dtype=np.int32)
        for c in range(n_classes):
            of_class = topic == c
            places = rng.uniform(0, cumulated[c, -1], of_class.sum())
            drawn[of_class] = np.searchsorted(cumulated[c], places)
        indptr = np.append(0, np.cumsum(lengths))
        shape = len(batch), n_terms
        part = csr_array((np.ones(len(drawn)), drawn, indptr), shape=shape)
        part.sum_duplicates()
        counts[start + 1 : start + 1 + len(batch)] = np.diff(part.indptr)
        terms.append(part.indices)
        values.append(part.data)
    indptr = np.cumsum(counts, dtype=np.int32)
    entries = np.concatenate(values), np.concatenate(terms), indptr
    X = csr_array(entries, shape=(n_documents, n_terms))
    X = TfidfTransformer(sublinear_tf=True).fit_transform(X)
    is_wrong = rng.uniform(size=n_documents) < WRONG_LABELS
    y[is_wrong] = rng.integers(0, n_classes, is_wrong.sum())
    return csr_array(X), y


def memory(name):
    """Return the memory of this process in MB: now ("VmRSS") or its peak ("VmHWM")."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {name}; this benchmark needs Linux.")


def run(method, folder, arguments):
    """Fit in this process, and return figures and a line."""
    from skdistill import DatasetDistiller
    from skdistill.real._sparse import SparseRows

    rows = {}
    for part in ("train", "test"):
        data, indices, indptr, y = (
            np.load(Path(folder) / f"{part}_{name}.npy") for name in PARTS
        )
        shape = len(y), arguments.terms
        rows[part] = csr_array((data, indices, indptr), shape=shape), y
    passes, evaluate = [], SparseRows.value_and_grad

    def counted(self, *arguments, **others):
        passes.append(self.n_rows)
        return evaluate(self, *arguments, **others)

    SparseRows.value_and_grad = counted
    estimator = LogisticRegression(C=arguments.C, max_iter=1000)
    if method == "distiller":
        estimator = DatasetDistiller(
            estimator,
            n_synthetic=arguments.rows,
            weighting=arguments.weighting,
            random_state=0,
        )
    X, y = rows["train"]
    before, start = memory("VmRSS"), (time.perf_counter(), time.process_time())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    most = memory("VmHWM")
    X_test, y_test = rows["test"]
    loss = log_loss(y_test, estimator.predict_proba(X_test))
    solver = getattr(estimator, "solver_", estimator.get_params().get("solver"))
    accuracy = estimator.score(X_test, y_test)
    return {
        "count": {"passes": sum(passes) / len(y)},
        "score": {"accuracy": accuracy},
        "loss": {"loss": loss},
        "bytes": {"memory": (most - before) * 2**20},
        "seconds": {"fit": seconds, "fit, processor": processor},
    }, (
        f"{method:12} {solver:7} {seconds:8.1f} {processor:8.1f} "
        f"{sum(passes) / len(y):7.1f} {most - before:8.0f} "
        f"{loss:8.4f} {accuracy:9.4f}"
    )


def main():
    """Print a line for each method."""
    parser = parser_of(__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--terms", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--weighting", default="match")
    parser.add_argument("-C", type=float, default=10.0)
    parser.add_argument("--float32", action="store_true")
    arguments = parser.parse_args()
    figures = figures_of(arguments)
    n = arguments.documents
    X, y = corpus(n + n // 4, arguments.terms, arguments.classes)
    if arguments.float32:
        X = X.astype(np.float32)
    size = (X.data.nbytes + X.indices.nbytes) * n / X.shape[0] / 2**20
    print(f"{n} documents, {X.nnz / X.shape[0]:.0f} terms in each, {size:.0f} MB")
    print("method       solver   seconds      CPU  passes       MB     loss  accuracy")
    with tempfile.TemporaryDirectory() as folder:
        for part, chosen in (("train", slice(n)), ("test", slice(n, None))):
            rows = X[chosen]
            arrays = rows.data, rows.indices, rows.indptr, y[chosen]
            for name, array in zip(PARTS, arrays, strict=True):
                np.save(Path(folder) / f"{part}_{name}.npy", array)
        for method in ("scikit-learn", "distiller"):
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                found, line = process.submit(run, method, folder, arguments).result()
            print(line, flush=True)
            figures.add_all(method, found)
    figures.end()


if __name__ == "__main__":
    main()

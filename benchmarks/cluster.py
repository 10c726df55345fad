"""Traffic and time of an evaluation on a local Dask cluster.

Run it while nothing else is running::

    python -m benchmarks.cluster
    python -m benchmarks.cluster --rows 1000000 --features 100 --partitions 40

There are two workers with one thread each, on the loopback address. They generate the
rows. An evaluation is that of the outer loss and its gradient. There is a line for each
student, with

- bytes sent to the workers for an evaluation (the pickled function and the parameters
  of the model), and bytes returned from each partition;
- bytes that the workers sent to each other for an evaluation, averaged over ten;
- milliseconds for an evaluation on the cluster and in memory, as medians of ten;
- number of rows that were sent to this process to be at hand, and their bytes.
"""

import pickle
import time
import warnings

import cloudpickle
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._figures import figures_of, parser_of

ESTIMATORS = (LogisticRegression(C=10), GaussianNB(), KNeighborsClassifier(3))
N_EVALUATIONS = 10


def sent_by_workers(client):
    """Return the bytes that workers have sent to each other so far."""
    return sum(
        client.run(
            lambda dask_worker: dask_worker.transfer_outgoing_bytes_total
        ).values()
    )


def evaluations(problem, params):
    """Return the seconds of some evaluations."""
    seconds = []
    for _ in range(N_EVALUATIONS):
        start = time.perf_counter()
        problem.loss.value_and_grad(params)
        seconds.append(time.perf_counter() - start)
    return seconds


def posed(estimator, X, y):
    """Return the problem of twenty rows for an estimator."""
    from skdistill import DatasetDistiller
    from skdistill.estimators._ways import way_for

    distiller = DatasetDistiller(estimator, n_synthetic=20, random_state=0)
    return way_for(distiller, estimator, X, y, None).problem


def line(client, estimator, X, y):
    """Return the figures of an evaluation, and a line that shows them."""
    problem = posed(estimator, X, y)
    real, sums = problem.real, []
    params = problem.student.solve(problem.start)
    source, reduce = real.source, real.source.reduce

    def noted(function, combine, *arguments):
        sums.append((function, arguments))
        return reduce(function, combine, *arguments)

    source.reduce = noted
    _, grad = problem.loss.value_and_grad(params)
    out = len(cloudpickle.dumps(sums[-1]))
    back = len(pickle.dumps(grad))
    before = sent_by_workers(client)
    seconds = evaluations(problem, params)
    between = (sent_by_workers(client) - before) / N_EVALUATIONS
    memory = posed(estimator, X.compute(), y.compute())
    memory.loss.value_and_grad(params)
    in_memory = evaluations(memory, params)
    return {
        "bytes": {
            "out": out,
            "back": back,
            "between": between,
            "at hand": real.at_hand.X.nbytes,
        },
        "seconds": {"cluster": np.median(seconds), "memory": np.median(in_memory)},
    }, (
        f"{type(estimator).__name__:22} {out:9,} {back:9,} {between:9,.0f} "
        f"{1e3 * np.median(seconds):8.0f} {1e3 * np.median(in_memory):9.0f} "
        f"{real.n_at_hand:9,} {real.at_hand.X.nbytes / 2**20:6.0f} MB"
    )


def main():
    """Print a line for each student."""
    import dask.array as da
    from distributed import Client, LocalCluster

    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=16)
    arguments = parser.parse_args()
    figures = figures_of(arguments)
    warnings.simplefilter("ignore")
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        chunk = -(-arguments.rows // arguments.partitions)
        draw = da.random.default_rng(0)
        shape = arguments.rows, arguments.features
        X = draw.standard_normal(shape, chunks=(chunk, -1), dtype=np.float32)
        coef = np.random.default_rng(0).standard_normal((shape[1], arguments.classes))
        y = (X @ coef).argmax(axis=1)
        X, y = client.persist([X, y])
        print("student                      out      back   between  cluster in memory")
        for estimator in ESTIMATORS:
            found, text = line(client, estimator, X, y)
            print(text, flush=True)
            figures.add_all(type(estimator).__name__, found)
    figures.end()


if __name__ == "__main__":
    main()

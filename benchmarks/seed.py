"""Comparison with a published script that distills MNIST for logistic regression.

It learns ten images. Run it while nothing else is running::

    python -m benchmarks.seed --data DIR

where DIR holds ``mnist.npz`` (arrays ``X_train, y_train, X_test, y_test``, with pixels
from 0 to 255). The methods take turns in one process. All compiled programs are dropped
before each first call. Every figure is a median over the rounds.

(a) The published script: jaxopt's gradient descent for the inner problem (500 steps,
    1e-3) and the outer problem (50 iterations, 1e-3), on all 60,000 images.
(b) skdistill on the same problem, with the number of iterations after which its images
    are better than those of (a). Images are judged by scikit-learn's fit on them.
(c) skdistill with ``C=100``, with the number of iterations after which scikit-learn's
    fit on the images exceeds 92.4 % on the test images.
(d) scikit-learn's fit on all images.
(e) One pass over the data, compared with its two matrix products in NumPy.
(f) Maximum memory during a fit, above that of a process with the data.
"""

import multiprocessing
import statistics
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks._figures import figures_of, parser_of


def load(folder):
    """Return MNIST as float32 in [0, 1] and its labels."""
    path = Path(folder) / "mnist.npz"
    if not path.exists():
        raise SystemExit(f"{path} is missing: see the docstring of benchmarks.seed.")
    data = np.load(path)
    images = (data[name] / np.float32(255) for name in ("X_train", "X_test"))
    labels = (data[name].astype(np.int64) for name in ("y_train", "y_test"))
    return *images, *labels


def timed(function, *args):
    """Return the seconds of a call, and its result."""
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


def published(X, y):
    """Return (a), the distilled images of the published script."""
    import jax
    from jax import numpy as jnp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from jaxopt import GradientDescent, objective

    images, labels = jnp.array(X), jnp.array(y)
    params = jnp.ones((28 * 28, 10))
    start = jax.random.normal(jax.random.PRNGKey(0), (10, 28 * 28)) / (28 * 28)
    distilled_labels = jnp.arange(10)
    inner = GradientDescent(fun=objective.l2_multiclass_logreg, tol=1e-3, maxiter=500)

    def outer_loss(distilled):
        solution = inner.run(params, 1e-1, (distilled, distilled_labels)).params
        return objective.l2_multiclass_logreg(solution, 0, (images, labels))

    outer = GradientDescent(fun=outer_loss, tol=1e-3, maxiter=50)
    distilled, _ = outer.run(start)
    return np.asarray(distilled)


class StopAt:
    """A scikit-learn callback that ends a fit once a goal is met."""

    def __init__(self, goal):
        self.goal = goal

    def setup(self, estimator, context):
        """Nothing to set up."""

    def teardown(self, estimator, context):
        """Nothing to tear down."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Stop when the estimator fitted on the present set meets the goal."""
        if context.task_name != "outer iteration":
            return False
        return self.goal(fitted_estimator)


def distiller(n_iter, **params):
    """Return a distiller of ten rows that runs for a number of iterations."""
    from sklearn.linear_model import LogisticRegression

    from skdistill import DatasetDistiller

    return DatasetDistiller(
        LogisticRegression(**params),
        n_synthetic=10,
        max_iter=n_iter,
        tol=1e-7,
        random_state=0,
    )


SEED = {"C": 1.0, "fit_intercept": False, "tol": 1e-6}
ACCURATE = {"C": 100.0, "max_iter": 1000}


def iterations_until(goal, X, y, **params):
    """Return the number of iterations after which scikit-learn's refit meets a goal."""
    stopped = distiller(200, **params).set_callbacks(StopAt(goal)).fit(X, y)
    return stopped.n_iter_


def seed_loss(X, y, distilled):
    """Return the outer loss of scikit-learn's solution on distilled images.

    It differs from that of the script, which stops its inner solver early.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    refit = LogisticRegression(**SEED).fit(distilled, np.arange(10))
    return log_loss(y, refit.predict_proba(X))


def full_fit(X, y):
    """Return (d), scikit-learn on all images."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=100.0).fit(X, y)


def data_pass(X, y, repeats):
    """Return (e), seconds of a pass, and of its two products in NumPy."""
    from sklearn.linear_model import LogisticRegression

    from skdistill.objectives import OuterLoss
    from skdistill.real._dense import DenseRows
    from skdistill.real._targets import class_targets
    from skdistill.students import Task, student_for
    from skdistill.students._params import LinearParams

    student = student_for(LogisticRegression(), Task(784, np.arange(10), 10, False))
    targets, indices = class_targets(y, y)
    real = DenseRows(X, indices, np.ones(len(y)), targets)
    objective = OuterLoss(real, student.raw_prediction, student.outer_loss)
    rng = np.random.default_rng(0)
    params = LinearParams(0.01 * rng.standard_normal((10, X.shape[1])), np.zeros(10))
    coef = params.coef.astype(X.dtype)
    residual = rng.standard_normal((len(X), 10)).astype(X.dtype)

    def products():
        return X @ coef.T, residual.T @ X

    objective.value_and_grad(params), products()
    medians = []
    for function in (lambda: objective.value_and_grad(params), products):
        # Time blocks, because waiting threads of one library would slow the other.
        time.sleep(0.5)
        medians.append(statistics.median(timed(function)[0] for _ in range(repeats)))
    return medians


def counted(estimator, X, y):
    """Return the Counts of a fit."""
    from benchmarks._counting import counting

    with counting() as counts:
        estimator.fit(X, y)
    return counts


def _memory(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{field} is not known on this system.")


def _peak_memory(folder, connection):
    warnings.simplefilter("ignore")
    X, _, y, _ = load(folder)
    import jax  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    import skdistill.solvers._distill  # noqa: F401

    # Reset the peak memory after loading (Linux).
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    distiller(5, **ACCURATE).fit(X, y)
    connection.send((before, _memory("VmHWM"), X.nbytes / 2**20))


def peak_memory(folder):
    """Return (f): memory before a fit, at its peak, and of the data, in MiB."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_peak_memory, args=(folder, sender))
    process.start()
    figures = receiver.recv()
    process.join()
    return figures


def main():
    """Run all and print the table."""
    parser = parser_of(__doc__, needs_data=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    figures = figures_of(args)
    warnings.simplefilter("ignore")
    import jax
    from sklearn.metrics import log_loss

    # Do not time imports.
    import skdistill.solvers._distill  # noqa: F401

    X, X_test, y, y_test = load(args.data)
    data_seconds, product_seconds = data_pass(X, y, repeats=21)
    loss = seed_loss(X, y, published(X, y))
    iterations_b = iterations_until(
        lambda fitted: log_loss(y, fitted.predict_proba(X)) <= loss, X, y, **SEED
    )
    iterations_c = iterations_until(
        lambda fitted: fitted.score(X_test, y_test) >= 0.924, X, y, **ACCURATE
    )
    seconds = {name: [] for name in ("a", "b first", "b second", "c", "d")}
    for round_ in range(args.rounds):
        jax.clear_caches()
        seconds["a"].append(timed(published, X, y)[0])
        for name in ("b first", "b second"):
            if name == "b first":
                jax.clear_caches()
            taken, set_b = timed(distiller(iterations_b, **SEED).fit, X, y)
            seconds[name].append(taken)
        jax.clear_caches()
        taken, set_c = timed(distiller(iterations_c, **ACCURATE).fit, X, y)
        seconds["c"].append(taken)
        taken, full = timed(full_fit, X, y)
        seconds["d"].append(taken)
        print(
            f"round {round_ + 1}:",
            ", ".join(f"({name}) {times[-1]:.2f} s" for name, times in seconds.items()),
            flush=True,
        )
    median = {name: statistics.median(times) for name, times in seconds.items()}
    before, after, size = peak_memory(args.data)

    rows = [
        ("(a) published script, jaxopt", median["a"], f"loss {loss:.5f}"),
        (
            "(b) skdistill, first call",
            median["b first"],
            f"loss {set_b.loss_:.5f} in {iterations_b} iterations, "
            f"{median['a'] / median['b first']:.1f}x faster",
        ),
        (
            "(b) skdistill, second call",
            median["b second"],
            f"{median['a'] / median['b second']:.1f}x faster",
        ),
        (
            "(c) ten rows, C=100, first call",
            median["c"],
            f"test accuracy {set_c.score(X_test, y_test):.4f} in {iterations_c} "
            "iterations, "
            f"(c)/(d) = {median['c'] / median['d']:.2f}",
        ),
        (
            "(d) LogisticRegression on all rows",
            median["d"],
            f"test accuracy {full.score(X_test, y_test):.4f}",
        ),
        (
            "(e) one pass over the data",
            data_seconds,
            f"{data_seconds / product_seconds:.2f} of the products in NumPy",
        ),
    ]
    print()
    for name, value, remark in rows:
        print(f"{name:36s} {value:8.3f} s   {remark}")
    print(
        f"{'(f) peak memory of a fit':36s} {after:8.0f} MiB "
        f"{after - before:.0f} MiB above {before:.0f} MiB, X is {size:.0f} MiB"
    )
    for name, n_iter, params in (
        ("b", iterations_b, SEED),
        ("c", iterations_c, ACCURATE),
    ):
        jax.clear_caches()
        figures.add("count", **{f"{name} iterations": n_iter})
        figures.add("count", **counted(distiller(n_iter, **params), X, y).named(name))
    figures.add("score", **{"c": set_c.score(X_test, y_test)})
    figures.add("score", **{"d": full.score(X_test, y_test)})
    figures.add("loss", **{"a": loss, "b": set_b.loss_})
    figures.add("bytes", **{"f": (after - before) * 2**20})
    figures.add("seconds", **median, **{"e": data_seconds, "e, NumPy": product_seconds})
    figures.end()


if __name__ == "__main__":
    main()

"""Settings of the estimator that help if scikit-learn stops early on a set.

Run it with ``python -m benchmarks.early_stop``. It uses raw tables, whose features
differ by factors of a thousand. For each it prints the loss of scikit-learn's fit and
the loss of the solution on the same rows. The distiller warns if they differ.
"""

import warnings

from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression

from benchmarks._figures import figures_of, parser_of
from skdistill import DatasetDistiller

ESTIMATORS = {
    "defaults": {},
    "max_iter=10_000": {"max_iter": 10_000},
    "tol=1e-8, max_iter=10_000": {"tol": 1e-8, "max_iter": 10_000},
    "newton-cholesky": {"solver": "newton-cholesky"},
}


def main():
    """Print a line for each table, weighting, number of rows and setting."""
    figures = figures_of(parser_of(__doc__).parse_args())
    print(f"{'table':8} {'weights':8} {'rows':>4}  {'setting':28} {'loss':>8} solution")
    for load in (load_wine, load_breast_cancer):
        X, y = load(return_X_y=True)
        for weighting in ("unit", "match"):
            for rows in (6, 20):
                for name, params in ESTIMATORS.items():
                    distiller = DatasetDistiller(
                        LogisticRegression(**params),
                        n_synthetic=rows,
                        weighting=weighting,
                        max_iter=50,
                        random_state=0,
                    )
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        distiller.fit(X, y)
                    print(
                        f"{load.__name__[5:13]:8} {weighting:8} {rows:4}  {name:28} "
                        f"{distiller.loss_:8.4f} {distiller.loss_curve_[-1]:8.4f}"
                    )
                    label = f"{load.__name__[5:]} {weighting} {rows} {name}"
                    figures.add("count", **{f"{label} iterations": distiller.n_iter_})
                    figures.add("loss", **{label: distiller.loss_})
    figures.end()


if __name__ == "__main__":
    main()

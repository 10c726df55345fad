"""What a notebook shows of a distiller."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skdistill import DatasetDistiller


class Rows(HTMLParser):
    """The texts of the cells of the last table."""

    def __init__(self, html):
        super().__init__()
        self.rows = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._in_cell &= tag not in ("td", "th")

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] += data


def shown(distiller):
    """Return the names and rows of the table, and the line above it."""
    html = distiller._repr_mimebundle_()["text/html"]
    # The diagram of the parameters comes first.
    own = html[html.index("skdistill-rows", html.index("sk-container")) :]
    names, *rows = Rows(own).rows
    return names, rows, own[own.index("<p>") : own.index("</p>")]


def test_the_size_the_loss_and_the_first_rows(multiclass_table):
    X, y = multiclass_table
    labels = np.array(["a", "b", "<c>"])[y]
    distiller = DatasetDistiller(n_synthetic=6, random_state=0).fit(X, labels)
    names, rows, line = shown(distiller)
    assert names == [*(f"x{i}" for i in range(6)), "target"]
    assert len(rows) == 5
    values = np.array(rows)
    assert_allclose(values[:, :-1].astype(float), distiller.X_synthetic_[:5], rtol=1e-3)
    assert list(values[:, -1]) == list(distiller.y_synthetic_[:5])
    assert "<c>" not in distiller._repr_html_()
    assert "<b>6 synthetic rows with 6 features</b>" in line
    assert f"<b>{distiller.loss_:.4g}</b>" in line
    assert f"<code>{distiller.solver_}</code> in {distiller.n_iter_} iteration" in line
    assert "LogisticRegression" in line
    assert "held back" not in line


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_loss_on_held_back_rows(multiclass_table):
    X, y = multiclass_table
    knn = KNeighborsClassifier(1)
    distiller = DatasetDistiller(knn, n_synthetic=3, max_iter=3, random_state=0)
    _, rows, line = shown(distiller.fit(X, y))
    assert len(rows) == 3
    assert f"{distiller.validation_loss_:.4g} on rows that were held back" in line


def test_weights_and_wide_tables(rng):
    X = rng.normal(size=(40, 12))
    distiller = DatasetDistiller(Ridge(), n_synthetic=12, weighting="match")
    names, rows, _ = shown(distiller.fit(X, X[:, :10]))
    assert names == [
        *(f"x{i}" for i in range(8)),
        "…",
        *(f"target{i}" for i in range(8)),
        "…",
        "sample_weight",
    ]
    assert {len(row) for row in rows} == {len(names)}
    weights = [float(row[-1]) for row in rows]
    assert_allclose(weights, distiller.sample_weight_synthetic_[:5], rtol=1e-3)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(multiclass_table, library):
    X, y = multiclass_table
    names = ["<p>", "target", *"cdef"]
    frame = library({name: X[:, j] for j, name in enumerate(names)})
    distiller = DatasetDistiller(n_synthetic=3, random_state=0).fit(frame, y)
    # Names that clash, for which to_frame raises an error, are no reason to.
    assert shown(distiller)[0] == [*names, "target"]


def test_sparse_rows(multiclass_table):
    X, y = multiclass_table
    first = np.argsort(y)[:90]  # a third class that weighs less
    X, y = X[first], y[first]
    distiller = DatasetDistiller(
        LogisticRegression(tol=1e-8, max_iter=1000),
        n_synthetic=6,
        weighting="match",
        random_state=0,
    )
    names, rows, _ = shown(distiller.fit(csr_array(np.maximum(X, 0)), y))
    assert names[-1] == "sample_weight"
    values = np.array(rows)[:, [*range(6), -1]].astype(float)
    expected = distiller.X_synthetic_[:5].toarray()
    weights = distiller.sample_weight_synthetic_[:5]
    assert_allclose(values, np.column_stack([expected, weights]), rtol=1e-3)


def test_texts():
    texts = ["a b", "a <b>", "c d", "c d d " * 20] * 5
    estimator = make_pipeline(CountVectorizer(token_pattern=r"\w+"), MultinomialNB())
    distiller = DatasetDistiller(
        estimator, n_synthetic=2, solver="search", max_iter=1, early_stopping=False
    ).fit(texts, [0, 0, 1, 1] * 5)
    names, rows, line = shown(distiller)
    assert names == ["sample", "target"]
    assert "<b>2 synthetic rows</b>" in line
    assert all(len(row[0]) <= 40 for row in rows)


def test_a_distiller_that_is_not_fitted_shows_its_parameters_only():
    html = DatasetDistiller(LogisticRegression())._repr_html_()
    assert "sk-container" in html
    assert "skdistill-rows" not in html


def test_text_on_request(multiclass_table):
    """The display setting of scikit-learn also applies to a distiller."""
    X, y = multiclass_table
    distiller = DatasetDistiller(n_synthetic=3, random_state=0).fit(X, y)
    with config_context(display="text"):
        assert not hasattr(distiller, "_repr_html_")
        assert list(distiller._repr_mimebundle_()) == ["text/plain"]

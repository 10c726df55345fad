"""Code blocks of the README and of the documentation, and what pages take as given.

A page is a story: its blocks run in their order and share their names. A page that
speaks of ``X`` and ``y`` without making them has an entry in ``GIVEN``.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
PAGES = {
    path.stem: path for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.rst")]
}

#: Text that is replaced before a block of a page is run: addresses and long searches.
REPLACED = {
    "by_search": {"max_time=60.0": "max_time=1.0", "%timeit ": ""},
    "large_data": {
        '"tcp://scheduler:8786"': "processes=False, dashboard_address=None",
        "s3://bucket/rows/": "rows.parquet",
    },
}

#: First lines of blocks that are compiled and not run, each with the reason.
NOT_RUN = {
    "params = student.solve(synthetic)  # a few rows": (
        "says how a method reads, with names of its own"
    ),
    "import jax": "changes settings of the process; tests/fits_with_a_cache.py runs it",
    "import multiprocessing": "needs functions of an importable module",
}


def blocks(page):
    """Return the Python blocks of a page, with what is replaced in them."""
    text = PAGES[page].read_text()
    found = _of_markdown(text) if PAGES[page].suffix == ".md" else _of_rest(text)
    for old, new in REPLACED.get(page, {}).items():
        assert any(old in block for block in found), f"{old} is not in {page}"
        found = [block.replace(old, new) for block in found]
    return found


def _of_markdown(text):
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _of_rest(text):
    """Blocks of the directive, and literal blocks, which are Python here, too."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        text = line.strip()
        is_literal = text.endswith("::") and not text.startswith("..")
        if not (is_literal or text == ".. code-block:: python"):
            continue
        depth = len(line) - len(line.lstrip())
        block = []
        for following in lines[number + 1 :]:
            if following.strip() and not following.startswith(" " * (depth + 1)):
                break
            block.append(following)
        found.append(dedent("\n".join(block)).strip("\n") + "\n")
    return found


def stated(block):
    """Return the output that the comments next to calls of print state."""
    return re.findall(r"^print\(.*\)  # (.+)$", block, re.MULTILINE)


def agrees(printed, statement):
    """Whether printed output ends as stated; "0.9 to 0.95" is a range of numbers."""
    low, to, high = statement.partition(" to ")
    if not to:
        return printed.endswith(statement)
    return float(low) <= float(printed.split()[-1]) <= float(high)


# What pages take as given


def given(page):
    """Return the names that a page assumes; may write files into the cwd."""
    return GIVEN.get(page, dict)()


def _table():
    """Make a table of numbers in two classes, most of it for training."""
    from sklearn.datasets import make_classification

    X, y = make_classification(n_samples=300, random_state=0)
    return {"X": X[:200], "y": y[:200], "X_test": X[200:], "y_test": y[200:]}


def _evaluation():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    import skdistill

    table = _table()
    X, y = table["X"], table["y"]
    estimator = LogisticRegression(C=10)
    distiller = skdistill.DatasetDistiller(estimator, n_synthetic=10).fit(X, y)
    return {
        **vars(skdistill),
        **table,
        "X_train": X,
        "y_train": y,
        "pandas": pd,
        "estimator": estimator,
        "distiller": distiller,
        "RandomForestClassifier": RandomForestClassifier,
    }


def _held_back():
    from sklearn.model_selection import GroupKFold, TimeSeriesSplit
    from sklearn.neighbors import KNeighborsClassifier

    from skdistill import DatasetDistiller

    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    return {
        "DatasetDistiller": DatasetDistiller,
        "GroupKFold": GroupKFold,
        "KNeighborsClassifier": KNeighborsClassifier,
        "TimeSeriesSplit": TimeSeriesSplit,
        "np": np,
        "X": X,
        "y": (X[:, 0] > 0).astype(int),
        "groups": np.arange(1000) % 20,
    }


def _large_data():
    from sklearn.linear_model import LogisticRegression

    from skdistill import DatasetDistiller

    table = _table()
    frame = pd.DataFrame(table["X"]).rename(columns=str).assign(label=table["y"])
    frame.to_parquet("rows.parquet")
    frame.to_parquet("more_rows.parquet")
    np.save("X.npy", table["X"])
    database = sqlite3.connect(":memory:", check_same_thread=False)
    measurements = frame.iloc[:, [0, 1, -1]].rename_axis("id")
    measurements.to_sql("measurements", database)

    class Connection:
        def cursor(self):
            return closing(database.cursor())

    return {
        **table,
        "DatasetDistiller": DatasetDistiller,
        "LogisticRegression": LogisticRegression,
        "connection": Connection(),
        "days": [(table["X"][:100, :3], table["y"][:100])],
        "np": np,
    }


def _texts():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    from skdistill import DatasetDistiller, DistilledClassifier

    rng = np.random.default_rng(0)
    words = {0: ["ball", "goal", "team"], 1: ["vote", "law", "court"]}
    y = np.repeat([0, 1], 100)
    texts = [" ".join(rng.choice([*words[label], "the"], 12)) for label in y]
    return {
        "DatasetDistiller": DatasetDistiller,
        "DistilledClassifier": DistilledClassifier,
        "LogisticRegression": LogisticRegression,
        "MultinomialNB": MultinomialNB,
        "TfidfVectorizer": TfidfVectorizer,
        "make_pipeline": make_pipeline,
        "texts": texts,
        "new_texts": texts,
        "y": y,
    }


def _people():
    """Make a table of numbers and strings, with whether a person earns much."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 200),
            "hours": rng.integers(10, 60, 200),
            "job": rng.choice(["cook", "clerk", "nurse"], 200),
            "town": rng.choice(["north", "south"], 200),
        }
    )
    return X, pd.Series((X["age"] + X["hours"] > 80).astype(int), name="earns")


def _tables():
    from sklearn.base import clone
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from skdistill import DatasetDistiller

    X, y = _people()
    return {
        "DatasetDistiller": DatasetDistiller,
        "LogisticRegression": LogisticRegression,
        "SimpleImputer": SimpleImputer,
        "StandardScaler": StandardScaler,
        "clone": clone,
        "make_column_transformer": make_column_transformer,
        "make_pipeline": make_pipeline,
        "X": X,
        "y": y,
    }


def _search():
    X, y = _people()
    return {**_tables(), **_texts(), "X": X, "y": y}


def _pipelines():
    from sklearn.model_selection import GroupKFold

    frame, _ = _people()
    table = _table()
    return {
        **table,
        "GroupKFold": GroupKFold,
        "frame": frame,
        "groups": np.arange(200) % 5,
        "weight": np.ones(200),
    }


def _several():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    from skdistill import DatasetDistiller

    return {
        **_table(),
        "DatasetDistiller": DatasetDistiller,
        "KNeighborsClassifier": KNeighborsClassifier,
        "LogisticRegression": LogisticRegression,
    }


GIVEN = {
    "by_search": _search,
    "evaluation": _evaluation,
    "held_back": _held_back,
    "large_data": _large_data,
    "large_sparse": _texts,
    "pipelines": _pipelines,
    "several": _several,
    "tables": _tables,
    "user_guide": _several,
}

"""The tables, split and encoded. Nothing is learned from test rows."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

#: Classes with fewer rows than this are left out: of ecoli, which has three of them.
MIN_CLASS_ROWS = 8
#: Train and test rows that are drawn of Adult.
ADULT_ROWS = 5000

BUILT_IN = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast-cancer-wisconsin": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
CLASSES = (
    *("iris", "wine", "breast-cancer-wisconsin", "digits"),
    *("sonar", "ionosphere", "pima-indians-diabetes", "glass", "ecoli", "haberman"),
    *("oil-spill", "horse-colic", "breast-cancer", "wheat-seeds", "new-thyroid"),
    "adult",
)
REGRESSION = (
    *("diabetes", "housing", "auto_imports"),
    *("winequality-red", "winequality-white"),
)
TABLES = (*CLASSES, *REGRESSION)
TARGET_COLUMNS = {"horse-colic": 23}
#: Numbers of patches and of patients, and the codes of the lesion, whose presence is
#: the target of horse-colic.
LEFT_OUT = {"oil-spill": [0], "horse-colic": [2, 24, 25, 26]}


class Split(NamedTuple):
    """Train and test rows of a table, encoded as numbers.

    Attributes
    ----------
    X, X_test : ndarray of shape (n, p)
        Standardized numbers, and one-hot categories.
    y, y_test : ndarray of shape (n,)
        Indices of classes, or standardized targets.
    n_classes : int
        Number of classes, 0 in regression.
    """

    X: np.ndarray
    X_test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray
    n_classes: int


@lru_cache(maxsize=2)
def load(name, folder, seed):
    """Return a table as a ``Split``, drawn by the seed."""
    is_class = name in CLASSES
    if name == "adult":
        parts = _adult(folder, seed)
    else:
        X, y = _read(name, folder)
        parts = train_test_split(
            X, y, test_size=0.3, random_state=seed, stratify=y if is_class else None
        )
    X, X_test, y, y_test = parts
    encoder = _encoder(X).fit(X)
    if is_class:
        classes = np.unique(y)
        y, y_test = (np.searchsorted(classes, part) for part in (y, y_test))
    else:
        classes = ()
        mean, scale = y.mean(), y.std()
        y, y_test = ((part - mean) / scale for part in (y, y_test))
    return Split(
        encoder.transform(X), encoder.transform(X_test), y, y_test, len(classes)
    )


def _read(name, folder):
    """Return the features and the targets of a table without a test part."""
    if name in BUILT_IN:
        X, y = BUILT_IN[name](return_X_y=True)
        return pd.DataFrame(X), y
    at = folder if name == "winequality-white" else folder / "tables"
    table = _read_csv(at / f"{name}.csv")
    target = TARGET_COLUMNS.get(name, table.columns[-1])
    table = table.dropna(subset=[target])
    if name in CLASSES:
        rows = table[target].map(table[target].value_counts())
        table = table[rows >= MIN_CLASS_ROWS]
    X = table.drop(columns=[target, *LEFT_OUT.get(name, ())])
    # scikit-learn takes integer names of columns for positions.
    return X.set_axis(range(X.shape[1]), axis=1), table[target].to_numpy()


def _read_csv(path):
    if not path.exists():
        raise SystemExit(f"{path} is missing: pass the folder of the data as --data.")
    return pd.read_csv(path, header=None, na_values="?", skipinitialspace=True)


def _adult(folder, seed):
    """Return rows of the train part and of the test part, drawn class by class."""
    X, y = [], []
    for part in ("train", "test"):
        table = _read_csv(folder / f"adult-{part}.csv.gz")
        labels = table.iloc[:, -1].str.rstrip(".").to_numpy(object)
        rows, _ = train_test_split(
            np.arange(len(table)),
            train_size=ADULT_ROWS,
            random_state=seed,
            stratify=labels,
        )
        X.append(table.iloc[rows, :-1])
        y.append(labels[rows])
    return *X, *y


def _encoder(X):
    numeric = list(X.select_dtypes("number").columns)
    categorical = [column for column in X if column not in numeric]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            ),
            categorical,
        ),
    )

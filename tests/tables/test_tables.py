"""Mixed tables: categories, integers and floats come back as they were."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdistill import DatasetDistiller
from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import OuterVariables
from skdistill.tables._columns import Table, read_table
from tests.conftest import strict_logistic

CATEGORICAL = ["color", "shape"]


@pytest.fixture(scope="module")
def mixed():
    """A table whose classes overlap, with a number of its rows as a target, too."""
    rng = np.random.default_rng(0)
    n = 160
    color = rng.choice(["red", "green", "blue"], n)
    shape = rng.choice(["disc", "ring"], n)
    size = rng.integers(3, 12, n)
    weight = rng.normal(2, 1, n)
    is_new = rng.random(n) < 0.4
    score = (color == "red") + 0.2 * size + weight - 2.0 * (shape == "ring") + is_new
    X = pd.DataFrame(
        {
            "size": size.astype(np.int8),
            "color": pd.Categorical(color, categories=["red", "green", "blue", "pink"]),
            "weight": weight.astype(np.float32),
            "shape": shape,
            "is_new": is_new,
        }
    )
    y = (score + rng.normal(0, 0.7, n) > np.median(score)).astype(int)
    target = np.rint(10 * score + rng.normal(0, 5, n)).astype(np.int64)
    return X, pd.Series(y, name="sold"), pd.Series(target, name="price")


@pytest.fixture(scope="module")
def numeric(mixed):
    X, y, target = mixed
    return X.drop(columns=CATEGORICAL), y, target


def distiller_for(estimator=None, **params):
    estimator = strict_logistic(C=10) if estimator is None else estimator
    params = {"categorical_features": CATEGORICAL, "n_synthetic": 8, **params}
    return DatasetDistiller(estimator, random_state=0, **params)


@pytest.fixture(scope="module")
def fitted(mixed):
    X, y, _ = mixed
    return distiller_for().fit(X, y)


def user_pipeline(X, estimator):
    """What a user would write: the encoder knows the categories of the real data."""
    categories = [np.unique(X[name]) for name in CATEGORICAL]
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(categories=categories), CATEGORICAL), remainder="passthrough"
        ),
        estimator,
    )


def assert_is_table_of(samples, X):
    """Columns, dtypes, whole numbers within the range, and categories that exist."""
    assert type(samples) is type(X)
    if isinstance(X, pl.DataFrame):
        assert samples.schema == X.schema
        samples, X = (frame.to_pandas() for frame in (samples, X))
    assert samples.dtypes.equals(X.dtypes)
    for name in X:
        if X[name].dtype.kind in "iub":
            assert samples[name].between(X[name].min(), X[name].max()).all()
        elif name in CATEGORICAL:
            assert set(samples[name]) <= set(X[name])


def as_polars(X):
    return pl.from_pandas(X).with_columns(
        pl.col("color").cast(pl.Enum(["red", "green", "blue", "pink"])),
        pl.col("shape").cast(pl.Categorical),
        pl.col("size").cast(pl.UInt8),
    )


def test_a_table_comes_back(fitted, mixed):
    X, y, _ = mixed
    samples, labels = fitted.transform(X)
    assert_is_table_of(samples, X)
    assert labels.name == "sold"
    assert labels.dtype == y.dtype
    assert fitted.n_features_in_ == 5
    assert_array_equal(fitted.feature_names_in_, X.columns)
    assert_array_equal(fitted.get_feature_names_out(), X.columns)


def test_loss_is_that_of_the_users_own_pipeline(fitted, mixed):
    X, y, _ = mixed
    own = user_pipeline(X, strict_logistic(C=10))
    own.fit(fitted.X_synthetic_, fitted.y_synthetic_)
    assert_allclose(log_loss(y, own.predict_proba(X)), fitted.loss_, rtol=1e-7)
    assert_allclose(own.predict_proba(X), fitted.predict_proba(X), atol=1e-12)
    # Rows that do not have all the categories are encoded alike.
    encoder = clone(fitted.estimator_[0]).fit(X.iloc[:1])
    assert_array_equal(encoder.transform(X), fitted.estimator_[0].transform(X))
    again = clone(fitted.estimator_).fit(*fitted.transform(X))
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize("weighting", ["match", "learn"])
def test_weights(mixed, weighting):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic=4, weighting=weighting).fit(X, y)
    own = user_pipeline(X, strict_logistic(C=10))
    weights = {"logisticregression__sample_weight": distiller.sample_weight_synthetic_}
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_, **weights)
    assert_allclose(log_loss(y, own.predict_proba(X)), distiller.loss_, rtol=1e-7)
    assert_is_table_of(distiller.X_synthetic_, X)


def test_learned_hyperparameters_and_labels(mixed):
    X, y, _ = mixed
    distiller = distiller_for(strict_logistic(), learn_params=["C"]).fit(X, y)
    assert distiller.estimator_[-1].C != 1
    own = user_pipeline(X, strict_logistic(C=distiller.estimator_[-1].C))
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(log_loss(y, own.predict_proba(X)), distiller.loss_, rtol=1e-7)

    soft = distiller_for(n_synthetic=4, learn_labels=True).fit(X, y)
    assert len(soft.X_synthetic_) == 2 * 4  # a copy for each class
    assert_is_table_of(soft.X_synthetic_, X)
    assert_allclose(log_loss(y, soft.predict_proba(X)), soft.loss_, rtol=1e-7)


def test_polars(fitted, mixed):
    X, y, _ = mixed
    frame = as_polars(X)
    distiller = distiller_for(categorical_features="from_dtype")
    samples, labels = distiller.fit_transform(frame, pl.Series("sold", y.to_numpy()))
    assert_is_table_of(samples, frame)
    assert labels.name == "sold"
    assert_array_equal(samples["size"], fitted.X_synthetic_["size"])
    assert_array_equal(samples["color"], fitted.X_synthetic_["color"])
    assert_allclose(distiller.loss_, fitted.loss_, rtol=1e-6)
    assert_allclose(
        log_loss(y, distiller.predict_proba(frame)), distiller.loss_, rtol=1e-7
    )


def test_arrays_with_categories(mixed):
    X, y, _ = mixed
    objects = distiller_for(categorical_features=[1, 3]).fit(
        X.to_numpy(dtype=object), y
    )
    samples = objects.X_synthetic_
    assert isinstance(samples, np.ndarray)
    assert set(samples[:, 1]) <= set(X["color"])
    sizes = samples[:, 0].astype(float)
    assert (sizes != np.rint(sizes)).any()  # arrays hold floats
    codes = np.column_stack([X["weight"], X["color"].cat.codes]).astype(float)
    numbers = distiller_for(categorical_features=[1]).fit(codes, y)
    assert numbers.X_synthetic_.dtype == np.float64
    assert set(numbers.X_synthetic_[:, 1]) <= {0.0, 1.0, 2.0}


def test_ways_to_name_categories(mixed):
    X, _, _ = mixed
    X = X.assign(shape=X["shape"].astype("category"))
    expected = pd.get_dummies(X, columns=CATEGORICAL).drop(columns="color_pink")
    mask = np.array([False, True, False, True, False])
    for named in ("from_dtype", [1, 3], mask, tuple(CATEGORICAL)):
        table = read_table(X, named, None)
        assert_array_equal(table.is_category, mask)
        encoded = table.encode(X)
        table.set_range(encoded)
        assert_allclose(encoded.sum(axis=1), expected.astype(float).sum(axis=1))
        assert table.decode(encoded).equals(X)


def test_everything_is_a_category(mixed):
    """Nothing is left to refine, but categories may be exchanged."""
    X, y, _ = mixed
    X = X[CATEGORICAL]
    distiller = distiller_for().fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    full = user_pipeline(X, strict_logistic(C=10)).fit(X, y)
    assert distiller.score(X, y) >= full.score(X, y) - 0.05


def test_rows_without_weight_have_no_say(mixed):
    X, y, _ = mixed
    weight = np.where((X["color"] == "green") | (X["size"] == 11), 0.0, 1.0)
    distiller = distiller_for().fit(X, y, sample_weight=weight)
    assert "green" not in set(distiller.X_synthetic_["color"])
    assert distiller.X_synthetic_["size"].max() < 11
    kept = weight > 0
    same = distiller_for().fit(X[kept], y[kept])
    assert_allclose(same.loss_, distiller.loss_, rtol=1e-10)
    # A category that the encoder does not know is none of the others.
    assert distiller.predict(X).shape == y.shape


# Numeric DataFrames


@pytest.mark.parametrize(
    "dtype",
    ["int16", "uint8", "Int64", "UInt8", "int64[pyarrow]", "object"]
    + ["float32", "float64", "Float32", "float[pyarrow]"],
)
def test_pandas_dtypes(numeric, dtype):
    X, y, _ = numeric
    X = X.assign(size=X["size"].astype(dtype), is_new=X["is_new"].astype("boolean"))
    distiller = distiller_for(categorical_features=None, max_iter=50).fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    refitted = strict_logistic(C=10).fit(*distiller.transform(X))
    assert_allclose(log_loss(y, refitted.predict_proba(X)), distiller.loss_, rtol=1e-5)


@pytest.mark.parametrize(
    "dtype", [pl.Int16, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean]
)
def test_polars_dtypes(numeric, dtype):
    X, y, _ = numeric
    X = pl.from_pandas(X).with_columns((pl.col("size") > 6).cast(dtype))
    distiller = distiller_for(categorical_features=None).fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    refitted = strict_logistic(C=10).fit(*distiller.transform(X))
    assert_allclose(log_loss(y, refitted.predict_proba(X)), distiller.loss_, rtol=1e-5)


def test_integers_at_the_end_of_their_range():
    largest = np.iinfo(np.int64).max
    X = pd.DataFrame({"a": [largest, 3], "b": np.array([255, 0], dtype=np.uint8)})
    table = Table(X)
    low, high = table.set_range(X.to_numpy(dtype=np.float64))
    assert_array_equal(low, [3, 0])
    decoded = table.decode(np.array([[2.0**64, 254.6], [-5.0, -0.4], [7.4, 300.0]]))
    assert decoded["a"].tolist() == [largest, 3, 7]
    assert decoded["b"].tolist() == [255, 0, 255]
    assert decoded.dtypes.equals(X.dtypes)


def test_refined_after_rounding(numeric):
    """Floats and targets make up for what rounding cost: no step of theirs helps."""
    X, _, target = numeric
    X = X.assign(weight=X["weight"].astype(float))
    distiller = distiller_for(Ridge(), categorical_features=None, tol=1e-8)
    samples, targets = distiller.fit_transform(X, target)

    def loss(samples, targets):
        predicted = Ridge().fit(samples, targets).predict(X)
        return np.mean((predicted - target) ** 2)

    assert_allclose(loss(samples, targets), distiller.loss_, rtol=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(5):
        moved = targets + rng.normal(0, 0.3, len(targets))
        assert loss(samples, moved) >= distiller.loss_ * (1 - 1e-9)
        moved = samples.assign(weight=samples["weight"] + rng.normal(0, 0.1, 8))
        assert loss(moved, targets) >= distiller.loss_ * (1 - 1e-9)


def test_refined_until_the_gradient_vanishes(mixed):
    """By finite differences of refits, in the column that is left."""
    X, y, _ = mixed
    X = X.assign(weight=X["weight"].astype(float))
    distiller = distiller_for(n_synthetic=4, tol=1e-8, max_iter=1000).fit(X, y)
    pipeline = clone(distiller.estimator_)
    for i in range(4):
        losses = []
        for step in (1e-4, -1e-4):
            moved = distiller.X_synthetic_.copy()
            moved.loc[i, "weight"] += step
            pipeline.fit(moved, distiller.y_synthetic_)
            losses.append(log_loss(y, pipeline.predict_proba(X)))
        assert abs(losses[0] - losses[1]) / 2e-4 < 1e-6


def test_better_than_rounding_alone(fitted, mixed):
    """Of the rows that are learned when all columns are floats."""
    X, y, _ = mixed
    encoded = pd.get_dummies(X, columns=CATEGORICAL, dtype=float).astype(float)
    floats = distiller_for(categorical_features=None, feature_range="data")
    learned = floats.fit(encoded, y).X_synthetic_
    rounded = X.iloc[:8].copy()
    rounded["size"] = learned["size"].round().astype(np.int8).to_numpy()
    rounded["weight"] = learned["weight"].to_numpy(np.float32)
    rounded["is_new"] = (learned["is_new"] > 0.5).to_numpy()
    for name in CATEGORICAL:
        block = learned.filter(like=name)
        rounded[name] = block.to_numpy().argmax(axis=1)
        rounded[name] = rounded[name].map(lambda c, b=block: b.columns[c].split("_")[1])
    naive = user_pipeline(X, strict_logistic(C=10)).fit(rounded, floats.y_synthetic_)
    assert fitted.loss_ < log_loss(y, naive.predict_proba(X))


def test_bounds(numeric):
    X, y, _ = numeric
    low, high = np.array([4.5, 0.1, 0.0]), np.array([9.9, 0.3, 1.0])
    distiller = distiller_for(
        LogisticRegression(),
        categorical_features=None,
        feature_range=(low, high),
        n_synthetic=6,
    )
    samples = distiller.fit(X, y).X_synthetic_
    assert samples["size"].between(5, 9).all()
    # Compared in double precision, in which 0.1 is less than float32's.
    assert samples["weight"].astype(float).between(0.1, 0.3).all()
    with pytest.raises(ValueError, match=r"no integer .* \['size'\]"):
        distiller.set_params(feature_range=(0, 1)).fit(X, y)


def test_exact_is_refused(numeric):
    X, y, _ = numeric
    distiller = distiller_for(categorical_features=None, solver="exact")
    with pytest.raises(ValueError, match=r"rounded: \['size', 'is_new'\]"):
        distiller.fit(X, y)


def test_entries_that_are_held(rng):
    """Bounds of single entries hold them, and leave the rest of the column free."""
    X = rng.normal(size=(3, 2))
    start = SyntheticSet(X, np.zeros(3), np.ones(3), {})
    held = np.array([[True, False], [False, False], [False, True]])
    bounds = np.where(held, X, -np.inf), np.where(held, X, np.inf)
    variables = OuterVariables(start, np.array([2.0, 0.1]), bounds, {})
    assert_array_equal(variables.lower == variables.upper, held.ravel())
    moved = variables.to_synthetic(variables.x0 + 1).X
    assert_array_equal(moved == X, held)


# Regression


def test_targets(mixed):
    X, _, target = mixed
    learned = distiller_for(Ridge()).fit(X, target)
    assert learned.y_synthetic_.dtype == np.float64
    assert learned.y_synthetic_.name == "price"
    fixed = distiller_for(Ridge(), learn_labels=False).fit(X, target)
    assert fixed.y_synthetic_.dtype == target.dtype
    own = user_pipeline(X, Ridge()).fit(fixed.X_synthetic_, fixed.y_synthetic_)
    assert_allclose(np.mean((own.predict(X) - target) ** 2), fixed.loss_, rtol=1e-7)
    single = distiller_for(Ridge()).fit(X, target.astype(np.float32))
    assert single.y_synthetic_.dtype == np.float32


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_several_targets(mixed, library):
    X, y, target = mixed
    Y = pd.DataFrame({"price": target, "share": (0.1 * y).astype(np.float32)})
    X, Y = (X, Y) if library == "pandas" else (as_polars(X), pl.from_pandas(Y))
    samples, targets = distiller_for(Ridge()).fit_transform(X, Y)
    assert_is_table_of(samples, X)
    assert type(targets) is type(Y)
    assert list(targets.columns) == ["price", "share"]
    assert "64" in str(targets["price"].dtype)
    assert str(targets["share"].dtype).lower() == "float32"
    Y = Y[["price"]].with_columns(pl.lit(1).alias("one")) if library == "polars" else Y
    fixed = distiller_for(Ridge(), learn_labels=False).fit(X, Y)
    assert list(fixed.y_synthetic_.dtypes) == list(Y.dtypes)


def test_kernel_ridge(mixed):
    X, _, target = mixed
    estimator = KernelRidge(kernel="rbf", gamma=0.05, alpha=0.1)
    distiller = distiller_for(estimator, max_iter=20)
    with pytest.warns(UserWarning, match="did not converge"):
        distiller.fit(X, target)
    assert_is_table_of(distiller.X_synthetic_, X)
    own = user_pipeline(X, estimator)
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(np.mean((own.predict(X) - target) ** 2), distiller.loss_, rtol=1e-6)


# Starting rows


def test_given_rows(mixed):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic="auto", init=(X.iloc[:12], y.iloc[:12]))
    distiller.fit(X, y)
    assert len(distiller.X_synthetic_) == 12
    real = user_pipeline(X, strict_logistic(C=10)).fit(X.iloc[:12], y.iloc[:12])
    assert distiller.loss_ <= log_loss(y, real.predict_proba(X))
    unknown = X.iloc[:12].assign(color=pd.Categorical(["pink"] * 12))
    with pytest.raises(ValueError, match="categories in 'color' that X does not"):
        clone(distiller).set_params(init=(unknown, y.iloc[:12])).fit(X, y)


def test_never_worse_than_the_start(mixed):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic=4).fit(X, y)
    before = distiller.loss_
    distiller.set_params(warm_start=True).fit(X, y)
    assert distiller.loss_ <= before * (1 + 1e-9)


# Errors


def test_missing_values_are_named(mixed):
    X, y, _ = mixed
    holes = X.astype({"size": "Int64"}).copy()
    holes.loc[3, "color"] = None
    with pytest.raises(ValueError, match=r"NaN.* columns \['color'\]\. Impute"):
        distiller_for().fit(holes, y)
    holes = X.astype({"size": "Int64"}).copy()
    holes.loc[3, ["size", "weight"]] = None
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        distiller_for().fit(holes, y)
    numbers = holes.drop(columns=CATEGORICAL)
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        DatasetDistiller().fit(numbers, y)
    with pytest.raises(ValueError, match=r"columns \['size', 'weight'\]"):
        DatasetDistiller().fit(pl.from_pandas(numbers), y)
    array = numbers.to_numpy(dtype=float, na_value=np.nan)
    with pytest.raises(ValueError, match=r"columns \[0, 1\]"):
        DatasetDistiller().fit(array, y)
    objects = X.to_numpy(dtype=object)
    objects[2, 3] = None
    with pytest.raises(ValueError, match=r"columns \[3\]"):
        distiller_for(categorical_features=[1, 3]).fit(objects, y)


def test_missing_values_in_transform(fitted, mixed):
    X, _, _ = mixed
    holes = X.copy()
    holes.loc[3, "weight"] = np.nan
    with pytest.raises(ValueError, match=r"columns \['weight'\]"):
        fitted.transform(holes)
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(X.rename(columns={"size": "length"}))


@pytest.mark.parametrize("named", [None, ["color"]])
def test_columns_that_are_not_numbers(mixed, named):
    X, y, _ = mixed
    for frame in (X, as_polars(X)):
        with pytest.raises(ValueError, match=r"not numbers: .*'shape' \(.*from_dtype"):
            distiller_for(categorical_features=named).fit(frame, y)
    with pytest.raises(ValueError, match=r"'day' \(datetime64"):
        distiller_for().fit(X.assign(day=pd.Timestamp("2020-01-01")), y)


def test_bad_categorical_features(mixed):
    X, y, _ = mixed
    for named, message in (
        (["size", "height"], "'height'"),
        ([7], "indices must be in"),
        ([True, False], "boolean mask"),
        ("color", "'categorical_features' parameter"),
    ):
        with pytest.raises(ValueError, match=message):
            distiller_for(categorical_features=named).fit(X, y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        distiller_for().fit(X, None)


# Among scikit-learn's tools


def test_imputer_before(mixed):
    X, y, _ = mixed
    holes = X.astype({"weight": float}).copy()
    holes.loc[::7, "weight"] = np.nan
    imputer = make_column_transformer(
        (SimpleImputer(), ["weight"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(imputer, distiller_for()).fit(holes, y)
    assert pipeline.score(holes, y) > 0.7
    samples, _ = pipeline.transform(holes)
    assert samples.dtypes["size"] == np.int8
    assert set(samples["shape"]) <= {"disc", "ring"}


def test_last_step_behind_an_encoder(mixed):
    X, y, _ = mixed
    encoder = make_column_transformer(
        (OneHotEncoder(), CATEGORICAL), remainder=StandardScaler()
    )
    pipeline = make_pipeline(encoder, distiller_for(categorical_features=None))
    assert pipeline.fit(X, y).score(X, y) > 0.7


def test_grid_search(mixed):
    X, y, _ = mixed
    distiller = distiller_for(LogisticRegression(C=10, tol=1e-6, max_iter=1000))
    search = GridSearchCV(
        distiller, {"n_synthetic": [2, 4]}, cv=2, error_score="raise"
    ).fit(X, y)
    assert search.best_score_ > 0.65
    assert_is_table_of(search.best_estimator_.X_synthetic_, X)


def test_pickle_is_small(fitted, mixed):
    X, _, _ = mixed
    dumped = pickle.dumps(fitted)
    assert len(dumped) < 12_000
    loaded = pickle.loads(dumped)
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert loaded.transform(X)[0].equals(fitted.X_synthetic_)


@pytest.mark.parametrize("library", ["pandas", "polars", "default"])
def test_set_output(fitted, mixed, library):
    X, y, _ = mixed
    distiller = clone(fitted).set_params(n_synthetic=2).set_output(transform=library)
    samples, _ = distiller.fit_transform(X, y)
    assert type(samples) is (pl.DataFrame if library == "polars" else pd.DataFrame)
    assert list(samples.columns) == list(X.columns)
    assert samples["size"].to_list() == distiller.X_synthetic_["size"].to_list()
    assert str(samples["size"].dtype).lower() == "int8"
    frame = as_polars(X)
    samples, _ = distiller.fit_transform(frame, y)
    assert type(samples) is (pd.DataFrame if library == "pandas" else pl.DataFrame)
    assert str(samples["size"].dtype).lower() == "uint8"


class Scores:
    """A callback that scores each set on the data that it is given."""

    def __init__(self):
        self.scores = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name == "outer iteration":
            self.scores.append(fitted_estimator.score(X, y))


def test_callbacks_get_the_table(mixed):
    X, y, _ = mixed
    scores = Scores()
    distiller = distiller_for(n_synthetic=4).set_callbacks(scores).fit(X, y)
    assert len(scores.scores) == distiller.n_iter_ == len(distiller.loss_curve_)
    assert scores.scores[-1] == distiller.score(X, y)

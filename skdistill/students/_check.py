"""The check that every student has to pass, including those of users."""

import jax
import numpy as np
from numpy.testing import assert_allclose
from scipy.special import softmax
from sklearn.base import clone

from skdistill._jax_scope import double_precision
from skdistill._weights import fit_on, takes_weights
from skdistill.real._targets import one_hot_classes
from skdistill.students._base import Student
from skdistill.synthetic._set import SyntheticSet

#: Relative step of the central differences.
STEP = 1e-5
#: Relative tolerances of the gradient, and of predictions against scikit-learn's.
GRADIENT_RTOL = 1e-6
PARITY_TOL = 1e-6


def check_student(
    student: Student,
    *,
    X: np.ndarray | None = None,
    y: np.ndarray | None = None,
    random_state: int = 0,
) -> None:
    """Check that a student mirrors its estimator and differentiates its training.

    Call it in the tests of a student of your own. It trains on a small set of random
    rows, or on given rows, and checks that

    - scikit-learn's fit of ``student.estimator`` has the same raw predictions on new
      rows as the student, and that its ``predict`` agrees with them (with those of
      ``Student.as_predicted`` if the outer loss is a smooth approximation);
    - the solution does not depend on ``start``;
    - ``implicit_vjp`` agrees with central differences through ``solve`` in samples,
      learnable targets, weights, hyperparameters and ``smoothing_params``;
    - shapes and types are those of the contract.

    The relative tolerance is 1e-6, so give the estimator a small ``tol``.

    Parameters
    ----------
    student : Student
        The student to check. Its estimator is cloned and fitted.
    X : ndarray of shape (m, p), default=None
        Rows to train on. None draws 6 rows for each class, or 20 rows for numeric
        targets. Pass rows if the estimator needs special ones, such as counts.
    y : ndarray, default=None
        Targets of ``X``: class indices (m,), or numbers (m,) or (m, k). None draws
        them, too; for a student of numbers with a softmax loss they are centered
        one-hot rows.
    random_state : int, default=0
        Seed for rows, weights and directions of the differences.

    Raises
    ------
    AssertionError
        If the student fails a check. The message says which one.
    ValueError
        If ``X`` is passed without ``y``.
    """
    rng = np.random.default_rng(random_state)
    if X is None:
        X, y = _random_rows(student, 6, rng)
    elif y is None:
        raise ValueError("X was passed without its targets y. Pass both, or neither.")
    X_new, y_new = _random_rows(student, 10, rng)
    if _codes_classes(student):
        y_new = one_hot_classes(y_new)
    is_weighted = takes_weights(student.estimator)
    weight = rng.uniform(0.5, 2.0, len(X)) if is_weighted else np.ones(len(X))
    _check_weights(student, y, weight)
    synthetic = SyntheticSet(
        X,
        student.encode(y),
        student.training_weight(y, weight),
        {**student.hyperparameters, **student.smoothing_params},
    )
    params = student.solve(synthetic)
    _check_solution(student, synthetic, params, X_new)
    fitted = _fit(student, X, y, weight if is_weighted else None)
    _check_parity(student, synthetic, params, fitted, X_new)
    _check_gradient(student, synthetic, params, X_new, y_new, is_weighted, rng)


def _check_weights(student, y, weight):
    """Check that an entry which stands for several rows has their total weight."""
    if student.task.classes is None:
        return
    k = len(student.task.classes)
    assert_allclose(
        student.training_weight(
            np.arange(k), np.bincount(y, weight, k), counts=np.bincount(y, minlength=k)
        ),
        np.bincount(y, student.training_weight(y, weight), k),
        rtol=1e-6,
        err_msg="training_weight with counts is not the sum of the weights of the rows",
    )


def _codes_classes(student):
    """Whether numeric targets are one-hot classes, as an outer log-loss takes them."""
    return student.task.classes is None and student.loss_name == "log_loss"


def _random_rows(
    student: Student, n_rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows around a center for each class, or rows with dependent targets."""
    task = student.task
    if task.classes is not None or _codes_classes(student):
        k = task.n_outputs
        labels = np.repeat(np.arange(k), n_rows)
        centers = rng.standard_normal((k, task.n_features))
        X = centers[labels] + rng.standard_normal((len(labels), task.n_features))
        return X, labels if task.classes is not None else np.eye(k)[labels] - 1 / k
    X = rng.standard_normal((2 * n_rows + 8, task.n_features))
    shape = (len(X), task.n_outputs)
    y = X @ rng.standard_normal((task.n_features, task.n_outputs))
    # Positive targets, which losses of counts require.
    y = np.exp(0.3 * y / np.sqrt(task.n_features)) + 0.1 * rng.uniform(size=shape)
    return X, y if task.multi_output else y[:, 0]


def _fit(student, X, y, weight):
    labels = y if student.task.classes is None else student.task.classes[y]
    return fit_on(clone(student.estimator), X, labels, weight)


def _raw(student, params, X):
    with double_precision():
        return np.asarray(jax.jit(student.raw_prediction)(params, X))


def _check_solution(student, synthetic, params, X_new):
    for leaf in jax.tree.leaves(params):
        assert isinstance(leaf, np.ndarray | np.generic | float), (
            f"solve returned {type(leaf).__name__}; it must return NumPy arrays."
        )
        assert np.asarray(leaf).dtype == np.float64, "solve must return float64."
    start = jax.tree.map(lambda leaf: 0.9 * leaf, params)
    again = student.solve(synthetic, start=start)
    raw = _raw(student, params, X_new)
    assert_allclose(
        _raw(student, again, X_new),
        raw,
        rtol=PARITY_TOL,
        atol=PARITY_TOL * np.abs(raw).max(),
        err_msg="solve depends on its start",
    )


def _check_parity(student, synthetic, params, fitted, X_new):
    of_fitted = student.params_of(fitted, synthetic)
    assert jax.tree.structure(of_fitted) == jax.tree.structure(params)
    raw, expected = (_raw(student, each, X_new) for each in (params, of_fitted))
    assert raw.ndim == 2, f"raw_prediction must be (n, k); got shape {raw.shape}."
    if raw.shape[1] > 1 and student.loss_name == "log_loss":
        # A softmax does not depend on a constant added to all its outputs.
        raw, expected = (
            each - each.mean(axis=1, keepdims=True) for each in (raw, expected)
        )
    unit = np.abs(expected).max()
    assert_allclose(
        raw,
        expected,
        rtol=0,
        atol=PARITY_TOL * unit,
        err_msg="the student's solution differs from scikit-learn's",
    )
    _check_predict(student, params, fitted, X_new)


def _check_predict(student, params, fitted, X_new):
    """Compare ``predict`` with the raw predictions of ``as_predicted``."""
    raw = _raw(student, student.as_predicted(params), X_new)
    predicted = fitted.predict(X_new)
    unit = np.abs(raw).max()
    if student.task.classes is not None:
        if raw.shape[1] > 1 and student.loss_name == "log_loss":
            raw, unit = softmax(raw, axis=1), 1.0
        scores = student.class_scores(raw)
        ordered = np.sort(scores, axis=1)
        is_clear = ordered[:, -1] - ordered[:, -2] > PARITY_TOL * unit
        voted = student.task.classes[scores.argmax(axis=1)]
        assert (voted == predicted)[is_clear].all(), (
            "raw_prediction does not rank the classes as predict does."
        )
        return
    expected = student.predictions(raw)
    if expected is not None:
        assert_allclose(
            predicted.reshape(len(X_new), -1),
            expected,
            rtol=0,
            atol=PARITY_TOL * np.abs(expected).max(),
            err_msg="raw_prediction differs from predict",
        )


def _check_gradient(student, synthetic, params, X_new, y_new, is_weighted, rng):
    def losses(params):
        return student.outer_loss(student.raw_prediction(params, X_new), y_new)

    # A single program for values and gradients is compiled once.
    mean_loss = jax.jit(jax.value_and_grad(lambda params: losses(params).mean()))

    def loss_at(synthetic):
        with double_precision():
            return float(mean_loss(student.solve(synthetic))[0])

    with double_precision():
        shape = jax.eval_shape(losses, params).shape
        assert shape == (len(X_new),), (
            f"outer_loss must be (n,); got shape {shape} for {len(X_new)} rows."
        )
        params_grad = jax.tree.map(np.asarray, mean_loss(params)[1])
    hypergrad = student.implicit_vjp(params, params_grad, synthetic)
    learns_y = student.task.classes is None or student.soft_labels
    fields = ["X"] + ["y"] * learns_y + ["sample_weight"] * is_weighted
    for field in fields:
        value, grad = getattr(synthetic, field), getattr(hypergrad, field)
        assert np.shape(grad) == value.shape, (
            f"implicit_vjp: {field} has shape {np.shape(grad)}, not {value.shape}."
        )
        direction = rng.standard_normal(value.shape)
        if student.soft_labels and field == "y" and value.ndim == 2:
            direction -= direction.mean(axis=1, keepdims=True)

        def along(step, field=field, value=value, direction=direction):
            return loss_at(synthetic._replace(**{field: value + step * direction}))

        _assert_slope(np.vdot(grad, direction), along, field)
    for name, value in synthetic.hyperparameters.items():

        def scaled(step, name=name, value=value):
            changed = {**synthetic.hyperparameters, name: value * (1 + step)}
            return loss_at(synthetic._replace(hyperparameters=changed))

        _assert_slope(value * hypergrad.hyperparameters[name], scaled, name)


def _assert_slope(slope, along, name):
    """Compare a slope with central differences, extrapolated to a step of zero."""
    far, near = (
        (along(step) - along(-step)) / (2 * step) for step in (10 * STEP, 5 * STEP)
    )
    expected = near + (near - far) / 3
    assert_allclose(
        slope,
        expected,
        rtol=GRADIENT_RTOL,
        atol=1e-9,
        err_msg=f"implicit_vjp is not the derivative in {name}",
    )

"""Class weights as in the classifiers of scikit-learn."""

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def refuse_useless_classes(estimator, classes):
    """Raise a ValueError for class weights that are not positive and finite.

    With a class weight of zero, intercepts of scikit-learn have no finite optimum.

    Parameters
    ----------
    estimator : estimator object
        Classifier with a ``class_weight``.
    classes : ndarray of shape (n_classes,)
        Class labels.

    Raises
    ------
    ValueError
        If a weight is not positive, or not finite.
    """
    if not isinstance(estimator.class_weight, dict):
        return
    weights = {
        label: estimator.class_weight.get(label, 1) for label in classes.tolist()
    }
    refused = {label: w for label, w in weights.items() if not 0 < w < np.inf}
    if refused:
        raise ValueError(
            f"{type(estimator).__name__} cannot be distilled with class weights of "
            f"{refused}. Pass positive numbers. To train without a class, leave out "
            "its rows."
        )


def class_weighted(class_weight, classes, y, sample_weight):
    """Multiply the weights of rows with those of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Parameter of the estimator.
    classes : ndarray of shape (n_classes,)
        Sorted class labels.
    y : ndarray of shape (n,)
        Class indices.
    sample_weight : ndarray of shape (n,)
        Weights of the rows.

    Returns
    -------
    ndarray of shape (n,)
        The products.
    """
    if class_weight is None:
        return sample_weight
    weight_of_class = compute_class_weight(
        class_weight, classes=classes, y=classes[y], sample_weight=sample_weight
    )
    return sample_weight * weight_of_class[y]

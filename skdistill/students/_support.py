"""Class weights, as the classifiers of scikit-learn multiply them in."""

from sklearn.utils.class_weight import compute_class_weight


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

"""Checks that a student supports what the parameters of a distiller ask for."""

import numpy as np

from skdistill._weights import last_step, takes_weights


def check_requests(distiller, estimator, student, targets):
    """Raise a ValueError for a parameter that the student does not support.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters are checked.
    estimator : estimator object
        The estimator to distill for.
    student : Student
        Its student.
    targets : Targets
        The real targets.

    Raises
    ------
    ValueError
        If targets, ``learn_labels``, ``weighting`` or ``learn_params`` are not
        supported for the estimator.
    """
    if targets.classes is None:
        student.check_targets(np.array([targets.low, targets.high]), "y")
    name = type(estimator).__name__
    learns_labels = targets.learns(distiller.learn_labels)
    learns_probabilities = bool(
        targets.learned_parts(learns_labels).get("learn_probabilities")
    )
    if learns_probabilities and not student.soft_labels:
        raise ValueError(
            f"learn_labels={distiller.learn_labels!r} is not supported for {name}: "
            "weighted copies of a row, one for each class, do not train it as a row "
            "with class probabilities would. Pass learn_labels=False."
        )
    if learns_probabilities and distiller.warm_start:
        raise ValueError(
            "warm_start=True is not supported with learned class labels, because the "
            "previous set has a copy of each row for each class. Pass distinct rows as "
            "init."
        )
    learns_weights = distiller.weighting == "learn" or learns_probabilities
    class_weight = getattr(last_step(estimator), "class_weight", None)
    if learns_weights and isinstance(class_weight, str):
        raise ValueError(
            "Learned labels or weights are not supported with class_weight='balanced', "
            "because the class weights would change with them. Pass the class weights "
            "as a dict."
        )
    if distiller.weighting != "unit" and not takes_weights(estimator):
        raise ValueError(
            f"weighting={distiller.weighting!r} is not supported for {name}: its fit "
            "takes no sample_weight. Pass weighting='unit'."
        )
    unknown = sorted(
        {
            str(each)
            for each in distiller.learn_params
            if student.parameter_name(each) not in student.hyperparameters
        }
    )
    if unknown:
        raise ValueError(
            f"learn_params contains {unknown}, which cannot be learned for {name}. "
            f"Choose from {sorted(student.hyperparameters)}."
        )

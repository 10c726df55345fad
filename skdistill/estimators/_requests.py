"""What is asked of a distiller, against what the estimator's student can do."""

import numpy as np

from skdistill._weights import last_step, takes_weights


def check_requests(distiller, estimator, student, targets):
    """Raise a ValueError for a parameter that the estimator has no use for.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters are checked.
    estimator : estimator object
        The estimator to distill for.
    student : Student
        Its student.
    targets : Targets
        What ``y`` holds.
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
            "it does not train on weighted copies of a row, one for each class, as on "
            "a row with probabilities."
        )
    if learns_probabilities and distiller.warm_start:
        raise ValueError(
            "warm_start=True is not supported with learned class labels: the rows of "
            "the previous fit are copies. Pass them through init."
        )
    learns_weights = distiller.weighting == "learn" or learns_probabilities
    class_weight = getattr(last_step(estimator), "class_weight", None)
    if learns_weights and isinstance(class_weight, str):
        raise ValueError(
            "Learned labels or weights are not supported with class_weight='balanced', "
            "which would follow them. Pass the class weights as a dict."
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
            f"learn_params names {unknown}, which cannot be learned for {name}. It can "
            f"learn {sorted(student.hyperparameters)}."
        )

"""Random numbers of a training as in scikit-learn: the start, and the batches."""

import numpy as np
from sklearn.utils import gen_batches, shuffle

from skdistill.students.networks._forward import Layers
from skdistill.students.networks._unrolled import Batches


def draw_layers(sizes, activation, random_state):
    """Return the layers at the start of a training, by Glorot and Bengio's rule [1]_.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of features, of units of each hidden layer, and of outputs.
    activation : str
        Activation of the hidden layers.
    random_state : RandomState
        Draws in the same order as in scikit-learn.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    """
    factor = 2.0 if activation == "logistic" else 6.0
    coefs, intercepts = [], []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        bound = np.sqrt(factor / (n_in + n_out))
        coefs.append(random_state.uniform(-bound, bound, (n_in, n_out)))
        intercepts.append(random_state.uniform(-bound, bound, n_out))
    return Layers(tuple(coefs), tuple(intercepts))


def draw_batches(n_rows, batch_size, n_passes, n_drawn, shuffles, random_state):
    """Return the ``Batches`` of a training.

    Parameters
    ----------
    n_rows, batch_size : int
        Number of all rows, and of rows in a batch.
    n_passes, n_drawn : int
        Number of passes in the result, and maximum number of passes that are needed.
    shuffles : bool
        Whether the rows are shuffled before each pass.
    random_state : RandomState
        Shuffles the rows, after it has drawn the start.
    """
    slices = list(gen_batches(n_rows, batch_size))
    size = np.array([each.stop - each.start for each in slices], dtype=np.float64)
    if len(slices) == 1:
        return Batches(None, size)
    order = np.zeros((n_passes, len(slices) * batch_size), dtype=np.int32)
    index = np.arange(n_rows)
    for each in order[:n_drawn]:
        if shuffles:
            index = shuffle(index, random_state=random_state)
        each[:n_rows] = index
    return Batches(order.reshape(n_passes, len(slices), batch_size), size)

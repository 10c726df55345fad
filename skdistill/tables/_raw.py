"""Tables that are passed on as they came, for estimators that read them themselves."""

from sklearn.utils.validation import validate_data

from skdistill.tables._reading import readable


class RawTable:
    """Rows in any container, of which only the columns are known.

    Attributes
    ----------
    encodes, rounds : bool
        Nothing stands for the values but themselves.
    """

    encodes = False
    rounds = False

    def refuse_unreadable(self, X):
        """Leave it to the estimator what it takes to predict."""

    def validate_new(self, estimator, X):
        """Check the number and names of the columns of rows that come after ``fit``."""
        validate_data(estimator, readable(X), reset=False, skip_check_array=True)

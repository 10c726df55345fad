"""Tables that are passed on unchanged, for estimators that read them themselves."""

from sklearn.utils.validation import validate_data

from skdistill.tables._reading import readable


class RawTable:
    """Rows in any container, which are not encoded.

    Attributes
    ----------
    encodes, rounds : bool
        They are false, because values are neither encoded nor rounded.
    """

    encodes = False
    rounds = False

    def refuse_unreadable(self, X):
        """Do nothing, because the estimator validates samples itself."""

    def validate_new(self, estimator, X):
        """Check the number and names of the columns of rows after ``fit``."""
        validate_data(estimator, readable(X), reset=False, skip_check_array=True)

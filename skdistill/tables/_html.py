"""Tables of a few rows in HTML, for notebooks."""

from html import escape

from skdistill.tables._joined import named_features, named_targets

#: Maximum number of features and of targets that are shown, to fit on a page.
MAX_COLUMNS = 8


def rows_in_html(samples, feature_names, targets, sample_weight):
    """Return a ``<table>`` of the rows, with their targets and weights.

    It does not need a library of data frames. The parameters are those of
    ``joined_frame``, except that columns may have the same name. All rows are shown.
    """
    columns = [
        *_first(named_features(samples, feature_names)),
        *_first(named_targets(targets)),
    ]
    if sample_weight is not None:
        columns.append(("sample_weight", sample_weight))
    head = "".join(f"<th>{_text(name)}</th>" for name, _ in columns)
    rows = zip(*(_values(column) for _, column in columns), strict=True)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row)}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _first(columns):
    """Return the first columns, followed by a column of dots if there are more."""
    columns = list(columns)
    shown = columns[:MAX_COLUMNS]
    if len(columns) > MAX_COLUMNS:
        shown.append(("…", ["…"] * len(_values(shown[0][1]))))
    return shown


def _values(column):
    """Return the values of an array, a Series or a list as a list."""
    for name in ("to_list", "tolist"):
        if hasattr(column, name):
            return getattr(column, name)()
    return column


def _text(value):
    """Return a value as text of at most 40 characters; floats have four digits."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= 40 else f"{text[:39]}…")

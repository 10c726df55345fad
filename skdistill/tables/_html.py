"""A few rows as a table in HTML, for notebooks."""

from html import escape

from skdistill.tables._joined import named_features, named_targets

#: Features, and targets, that are shown. More make a table wider than a page.
MAX_COLUMNS = 8


def rows_in_html(samples, feature_names, targets, sample_weight):
    """Return a ``<table>`` of the rows, with their targets and weights.

    Needs no library of data frames. Takes what ``joined_frame`` does, except that
    columns may share a name. It shows every row, so pass a few.
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
    """Return the first columns, and a column of dots if there are more."""
    columns = list(columns)
    shown = columns[:MAX_COLUMNS]
    if len(columns) > MAX_COLUMNS:
        shown.append(("…", ["…"] * len(_values(shown[0][1]))))
    return shown


def _values(column):
    """Return the values of an array or a Series as a list, or a list as it is."""
    for name in ("to_list", "tolist"):
        if hasattr(column, name):
            return getattr(column, name)()
    return column


def _text(value):
    """Return a value in up to 40 characters, a float in four digits."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= 40 else f"{text[:39]}…")

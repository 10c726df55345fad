"""Parts of ``benchmarks.tables``: data, estimators, reduced sets, runs, summary.

``_data`` reads tables, ``_estimators`` lists the estimators, ``_methods`` reduces
training rows, ``_run`` fills the CSV file, and ``_summary`` and ``_output`` read it.
"""

"""Sets that reproduce the model of all rows, where there are any.

Linear students by their stationarity, students made of moments by these.
"""

"""Students that know the data by means and variances."""

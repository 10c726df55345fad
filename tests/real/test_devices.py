"""Several devices share the rows of a chunk, and find what one finds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose


def found_on(n_devices, path):
    flags = f"--xla_force_host_platform_device_count={n_devices}"
    process = subprocess.run(
        [sys.executable, "-m", "tests.fits_on_several_devices", str(path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "XLA_FLAGS": flags},
        check=True,
        timeout=600,
        capture_output=True,
        text=True,
    )
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.slow
def test_several_devices(rng, tmp_path):
    X = rng.standard_normal((3001, 3))
    y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int) + (X[:, 2] > 1)
    path = tmp_path / "rows.npz"
    np.savez(path, X=X, y=y)
    one, three = found_on(1, path), found_on(3, path)
    assert (one["devices"], three["devices"]) == (1, 3)
    assert one["shares"] == []
    assert three["shares"] == [one["rows"]] * 3
    for name in ("LogisticRegression", "GaussianNB", "KNeighborsClassifier"):
        assert_allclose(three[name], one[name], rtol=1e-7)

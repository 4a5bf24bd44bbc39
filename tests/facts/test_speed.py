"""What loading costs beside the bare database."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timing
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_million_measures_load_in_time(kind):
    """At most 4 times a bare CREATE TABLE AS of the same file in the same run, and under 1 GiB."""
    command = [sys.executable, "-m", "evals.speed.load", "--kind", kind]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1,000,000 measures" in done.stdout

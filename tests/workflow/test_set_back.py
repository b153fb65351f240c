"""A run among files that a clock which was set back has left."""

from __future__ import annotations

import os
import time


def test_it_ends_before_its_jobs_in_a_sentence_and_then_goes_on(finished):
    target = finished.folder / "results/config.yaml"
    ahead = finished.folder / "results/metrics.csv"
    assert ahead.exists()
    target.unlink()
    os.utime(ahead, (time.time() + 7200,) * 2)
    arguments = ["--configfile", "tiny.yaml", "--config", "spacing=4", "--", "results/config.yaml"]
    done = finished.snakemake(*arguments)
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "in the future" in line]
    assert len(said) == 1
    assert said[0].startswith("Error: results/metrics.csv: written in the future")
    assert "find results -newermt now -exec touch {} +" in said[0]
    assert not target.exists()
    os.utime(ahead)
    done = finished.snakemake(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert target.exists()

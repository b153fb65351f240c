"""A run among files that a clock which was set back has left."""

from __future__ import annotations

import os
import time


def test_it_ends_before_its_jobs_in_a_sentence(finished):
    """And goes on once such files have the time it is now."""
    ahead = finished.folder / "results/config.yaml"
    os.utime(ahead, (time.time() + 7200,) * 2)
    target = "results/anatomy/sri24/wm.nii.gz"
    (finished.folder / target).unlink()
    arguments = ["--configfile", "tiny.yaml", "--config", "spacing=4", "--", target]
    done = finished.snakemake(*arguments)
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "in the future" in line]
    assert len(said) == 1
    assert said[0].startswith("Error: results/config.yaml: written in the future")
    assert "find results -newermt now -exec touch {} +" in said[0]
    assert not (finished.folder / target).exists()

"""A clock that was set back."""

from __future__ import annotations

import os
import time

import pytest

from gliofit.base.errors import InputError
from gliofit.pipeline.clock import ahead, check_clock


def written(path, seconds_ahead: float):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    os.utime(path, (time.time() + seconds_ahead,) * 2)
    return path


def test_the_file_that_is_furthest_ahead_is_named(tmp_path):
    written(tmp_path / "a", 3600)
    latest = written(tmp_path / "deeper/b", 7200)
    written(tmp_path / "c", -10)
    with pytest.raises(
        InputError, match=r"deeper/b: written in the future .*a clock is wrong or has been set back.*find "
    ):
        check_clock(tmp_path)
    os.utime(latest)
    os.utime(tmp_path / "a")
    check_clock(tmp_path)


def test_clocks_may_differ_a_little_and_files_be_gone(tmp_path):
    assert ahead([written(tmp_path / "a", 20), tmp_path / "none"]) is None

"""Scripts of the workflow read and write what their rules declare, and find no file by a name of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "workflow/scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_names_no_folder_of_results(script):
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"""["']results\b""", text)
    # names are not taken apart: what a file is of, the rule tells
    assert not re.search(r"\.(r?split|removeprefix|removesuffix)\(|\.stem\b", text)

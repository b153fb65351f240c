"""
Every kind of bad input ends in one sentence that names the fault, before long work and with nothing left behind.

docs/bad_input.md shows the sentences. After a change, `GLIOFIT_WRITE_DOCS=1 pytest tests/bad_input` writes it anew.
What images of people go wrong with, and what is taken with a warning, is docs/inputs.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults import FAULTS, GROUPS, ROOT, Fault

from gliofit.base.errors import InputError

PAGE = ROOT / "docs" / "bad_input.md"
WRITE = "GLIOFIT_WRITE_DOCS"

HEAD = f"""# What is refused, and in which words

Bad input ends the command with one line, `Error: …`, and an exit code other than 0, before any long work. Here are
{len(FAULTS)} kinds with the sentence that each ends in. A test makes the tables (`tests/bad_input`) and checks that
nothing is left behind. How scans are checked, and what is taken with a warning, is on [another page](inputs.md).
"""


def said_of(fault: Fault, folder: Path, tissue) -> str:
    """The sentence, without the folder."""
    with pytest.raises(InputError) as caught:
        fault.given(folder, tissue)
    return str(caught.value).replace(f"{folder}/", "").replace(f"{ROOT}/", "")


@pytest.fixture(scope="module")
def sentences(small_tissue, tmp_path_factory) -> dict[Fault, tuple[str, Path]]:
    found = {}
    for fault in FAULTS:
        folder = tmp_path_factory.mktemp("bad")
        found[fault] = said_of(fault, folder, small_tissue), folder
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.group}: {fault.name}")
def test_one_sentence_names_the_fault(sentences, fault):
    said, _ = sentences[fault]
    assert "\n" not in said
    assert fault.names in said
    assert len(said) < 400
    assert not said.endswith(":")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.group}: {fault.name}")
def test_nothing_is_left_that_looks_finished(sentences, fault):
    _, folder = sentences[fault]
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    ours = {"i.nii.gz", "patients.tsv", "net.safetensors", "net.json", "0.h5", "hybrid.json"}
    assert left <= ours | {f"{name}.nii.gz" for name in ("t1", "t1c", "flair", "seg")}


def test_there_are_forty_kinds_of_every_group():
    assert len({(fault.group, fault.name) for fault in FAULTS}) == len(FAULTS) >= 40
    assert [group for group in GROUPS if any(fault.group == group for fault in FAULTS)] == list(GROUPS)


@pytest.mark.parametrize(
    "command",
    [
        ["gliofit.synthetic", "no-such-shard.h5"],
        ["gliofit.pipeline.rerun", "no-such-job"],
        ["gliofit.pipeline.unlock", "gliofit.pipeline.unlock"],
        ["gliofit.planning.dicom.check", "gliofit.planning.dicom.check", "more"],
    ],
    ids=lambda command: command[0],
)
def test_commands_end_with_an_exit_code_and_without_a_traceback(command, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in shown
    assert command[1] in shown
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_the_sentences(sentences):
    lines = [HEAD]
    for group in GROUPS:
        lines += [f"## {group}\n", "| what is wrong | what is said |", "|---|---|"]
        for fault, (said, _) in sentences.items():
            if fault.group == group:
                lines.append(f"| {fault.name} | {said.replace('|', chr(92) + '|').replace('<', '&lt;')} |")
        lines.append("")
    text = "\n".join(lines)
    if os.environ.get(WRITE):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, f"{PAGE.name} is not what is said today; run this with {WRITE}=1"

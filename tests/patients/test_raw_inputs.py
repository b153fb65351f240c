"""
Raw scans with faults that scanners, exports and people make: each ends in one sentence before any long work.

docs/inputs.md shows the sentences; `GLIOFIT_WRITE_DOCS=1 pytest tests/patients/test_raw_inputs.py` writes them anew.
"""

from __future__ import annotations

import re

import pytest
from raw_inputs import RAW_INPUTS, RawInput
from test_inputs import written

from gliofit.base.errors import InputError
from gliofit.patients.raw import alignment, intake
from gliofit.patients.raw.intake import bring_in


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """What is said of each row, nothing long having begun."""
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        for module in (alignment, intake):
            patch.setattr(module, "align", lambda *_: pytest.fail("registered before the fault was found"))
        patch.setattr(intake, "brain_mask", no_head)
        for given in RAW_INPUTS:
            folder = tmp_path_factory.mktemp("raw")
            patient = given.write(folder)
            with pytest.raises(InputError) as caught:
                bring_in(patient, lambda: None, folder / "out")
            said[given.name] = str(caught.value).replace(f"{folder}/", "")
            assert not list(folder.rglob("scans.json"))
    return said


def no_head(*_):
    raise InputError("stripping found a brain of 12 ml, which is none")


@pytest.mark.parametrize("given", RAW_INPUTS, ids=lambda given: given.name)
def test_each_fault_is_one_sentence_that_names_what_it_is_in(sentences, given: RawInput):
    said = sentences[given.name]
    assert re.search(given.says, said), said
    assert "\n" not in said
    assert not re.search("secret", said, re.IGNORECASE)


def test_the_page_shows_what_is_said(sentences):
    written("raw scans", ["case", "what is said"], [[given.name, sentences[given.name]] for given in RAW_INPUTS])

"""What pages are made from: their templates, found by what they include."""

from __future__ import annotations

import pytest

from gliofit.reporting.html import TEMPLATES, captions, template_files


@pytest.mark.parametrize(
    ("page", "files"),
    [
        ("report.html", {"report.html", "macros.html", "style.css", "captions.json"}),
        ("patient.html", {"patient.html", "style.css", "captions.json"}),
        ("viewer.html", {"viewer.html", "captions.json"}),
    ],
)
def test_files_of_a_page_are_what_it_includes(page, files):
    found = template_files(page)
    assert {path.name for path in found} == files
    assert all(path.is_file() and path.parent == TEMPLATES for path in found)


def test_every_template_belongs_to_a_page():
    pages = ("report.html", "patient.html", "viewer.html")
    assert {path for page in pages for path in template_files(page)} == set(TEMPLATES.iterdir())


def test_captions_have_all_that_a_figure_needs():
    assert all(set(about) == {"title", "alt", "caption"} for about in captions().values())

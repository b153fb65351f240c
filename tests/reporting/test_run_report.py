"""The report: one file that needs nothing else, with everything it was given."""

from __future__ import annotations

import base64
import re

import numpy as np
import pandas as pd
import pytest
from pages import Page

from gliofit import Fit, Theta
from gliofit.base.errors import InputError
from gliofit.evaluation.metrics import tidy
from gliofit.growth.theta import NAMES
from gliofit.inversion.fit_file import save_fit
from gliofit.reporting.run_report import DEFINITIONS, Patient, write_report
from gliofit.reporting.tables.tidy import write_table

TITLES = {"direct": "Direct prediction", "hybrid": "Prediction & GB", "hybrid_com": "Prediction & GB COM"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def fit(folder, method: str, covariance=None, **changes):
    path, theta = folder / f"{method}.json", Theta((-31.24, 20.0, 44.06), 10.234, 3.3)
    about = {
        "extras": {"threshold_core": 0.66, "threshold_whole": 0.24}, "loss": 0.30123, "history": [1.0, 0.3],
        "evaluations": 812, "seconds": 33.21, "converged": True, "reason": "the loss settled",
        "model": {"name": "fisher_kolmogorov"}, "parameters": dict(zip(NAMES, theta.to_array(), strict=True)),
    }  # fmt: skip
    save_fit(path, Fit(theta, None, method=method, covariance=covariance, **about | changes), path.with_suffix(".npz"))
    return path


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    frame = pd.concat(
        tidy(f"case{i}", cases, method, {"mse": rng.lognormal(-6), "growth_mae": rng.lognormal(-2)})
        for cases in ("sri24", "patients")
        for method in TITLES
        for i in range(4)
    )
    tables = {}
    for number in (1, 2, 3):
        write_table(number, frame, folder / f"table{number}", TITLES, titles=TITLES)
        tables[number] = folder / f"table{number}.csv"
    (folder / "p.png").write_bytes(PIXEL)
    (folder / "config.yaml").write_text("spacing: 2.0\nmethods: {hybrid: {note: <b>}}\n")
    fits = [
        fit(folder, "direct", converged=False, reason="ran out of <steps>"),
        fit(folder, "hybrid", covariance=np.diag([0.25, 1, 4, 0.01, 0.04, 0.0001, 0.0004])),
    ]
    return {
        "tables": tables,
        "figures": {"3": folder / "p.png", "surrogate": folder / "p.png", "A figure of my own": folder / "p.png"},
        "patients": [
            Patient("synthetic_A", fits, {"Registration": folder / "p.png"}, ["Synthetic: not a scan."], "A/page.html"),
            Patient("B & C"),
        ],
        "config": folder / "config.yaml",
        "titles": TITLES,
    }


@pytest.fixture
def html(inputs, tmp_path):
    write_report(tmp_path / "report.html", **inputs)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(html):
    page = Page(html)
    sources = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "srcset")]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(base64.b64decode(source.split(",")[1]) == PIXEL for source in sources)
    assert not page.all("link")
    assert not page.all("script")
    assert "http:" not in html
    assert "https:" not in html
    assert not re.search(r"url\(|@import", html)
    assert [a["href"] for a in page.all("a") if not a["href"].startswith("#")] == ["A/page.html"]


def test_links_within_the_page_lead_somewhere(html):
    page = Page(html)
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")} <= targets


def test_it_is_accessible(html):
    page = Page(html)
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"] for image in page.all("img"))
    assert all(header["scope"] in ("row", "col") for header in page.all("th"))
    assert len(page.all("h1")) == 1


def test_it_holds_tables_captions_and_definitions(html):
    for number in (1, 2, 3):
        assert f"<h3>Table {number}</h3>" in html
    assert html.count("in a paired t-test against") == 3
    assert "After Weidner 2026, Figure 3." in html
    assert "<b>Training of the surrogate.</b>" in html
    assert "A figure of my own" in html
    assert html.count("<dt>") == len(DEFINITIONS)
    assert "spacing: 2.0" in html
    assert "gliofit" in html


def test_a_table_may_be_of_another_set(inputs, tmp_path):
    tables = {(2, "mni152"): inputs["tables"][2]}
    write_report(tmp_path / "report.html", tables=tables, titles=TITLES)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h3>Table 2, mni152</h3>" in html
    assert "cases of set mni152" in html


def test_a_table_names_rows_that_are_no_methods_itself(tmp_path):
    rows = [tidy("a", "table_ii", name, {"origin_off": 1.0}) for name in ("solver", "surrogate", "third")]
    write_table("table_ii", pd.concat(rows), tmp_path / "ii", ["solver", "surrogate", "third"], titles=TITLES)
    tables = {"table_ii": tmp_path / "ii.csv"}
    write_report(tmp_path / "report.html", tables=tables, titles=TITLES | {"surrogate": "Another table's"})
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The numerical solver" in html
    assert "The surrogate" in html
    assert "Another table's" not in html
    assert ">third<" in html


def test_a_patients_section_holds_its_fits(html):
    assert "Synthetic: not a scan." in html
    assert "−31.2, 20.0, 44.1" in html
    assert "10.23" in html
    assert "0.660" in html
    # hybrid has a covariance
    assert "0.660\N{NO-BREAK SPACE}±" in html
    assert "not converged: ran out of &lt;steps&gt;" in html
    assert "33.2" in html
    assert "0.301" in html


def test_text_is_escaped(html):
    assert "B &amp; C" in html
    assert "{note: &lt;b&gt;}" in html
    assert "Prediction &amp; GB" in html


def test_it_can_be_empty(tmp_path):
    write_report(tmp_path / "report.html")
    Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_missing_and_wrong_files_are_named(inputs, tmp_path):
    path = tmp_path / "report.html"
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        write_report(path, **inputs | {"figures": {"3": tmp_path / "gone.png"}})
    with pytest.raises(InputError, match=r"config\.yaml: not a PNG picture"):
        write_report(path, **inputs | {"figures": {"3": inputs["config"]}})
    with pytest.raises(InputError, match=r"config\.yaml: its columns are"):
        write_report(path, **inputs | {"tables": {2: inputs["config"]}})
    assert not path.exists()

"""Fits on disk: what is written comes back, is as its page and schema say, and nothing else is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from gliofit import Fit, InputError, Theta, invert, simulate
from gliofit.base.versions import source
from gliofit.inversion.fit_file import load_fit, load_fits, save_fit, save_fits
from gliofit.inversion.fit_format import FitRecord, schema
from gliofit.inversion.own_density import Field
from gliofit.reporting.fit_format_doc import SCHEMA, page

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs/result_format.md"


@pytest.fixture(scope="module")
def found(small_tissue) -> Fit:
    """A real fit, with a covariance."""
    target = simulate(small_tissue, Theta((11.0, -7.0, 16.0), 6.0, 3.0))
    fit = invert(target, small_tissue, "gauss_newton", iterations=3)
    fit.case, fit.target, fit.spacing, fit.true_theta = "a", "density", 4.0, Theta((11.0, -7.0, 16.0), 6.0, 3.0)
    return fit


@pytest.fixture
def written(found, tmp_path) -> Path:
    save_fit(tmp_path / "fit.json", found, tmp_path / "fit.npz")
    return tmp_path / "fit.json"


def change(path: Path, **values) -> None:
    """Other values of some keys; None takes a key out."""
    record = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: record[key] for key in record if values.get(key, "kept") is not None}))


def own(small_tissue, **front) -> Fit:
    """A fit with a density of its own, on a part of the grid, without tissue here and there."""
    box = small_tissue.crop((4, 4, 4), (12, 13, 14))
    values = np.where(box.mask, np.random.default_rng(0).random(box.shape), np.nan).astype(np.float32)
    affine = box.affine + 1e-9  # which single precision would lose
    about = {"loss": 0.25, "history": [], "evaluations": 1, "seconds": 0.5, "converged": True, "reason": "so"}
    about |= {"model": {"name": "fisher_kolmogorov"}, "method": "gliodil"}
    return Fit(Theta((0, 0, 0), 5, 2), None, own=Field(values, affine, **front), **about)


def test_a_fit_comes_back_as_it_was(found, written):
    read = load_fit(written)
    assert read.to_dict() == found.to_dict()
    assert read.names == ["x", "y", "z", "mu_D", "mu_rho"]
    np.testing.assert_array_equal(read.covariance, found.covariance)
    assert read.deviations()["mu_D"] == pytest.approx(np.sqrt(found.covariance[3, 3]))
    np.testing.assert_array_equal(read.covariance_of("mu_rho", "x"), found.covariance[np.ix_([4, 0], [4, 0])])
    assert read.true_theta == Theta((11.0, -7.0, 16.0), 6.0, 3.0)
    assert read.density is None
    assert read.source == source()
    assert np.load(written.with_suffix(".npz")).files == []


def test_what_a_fit_writes_is_the_schema(found, written, small_tissue, tmp_path):
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    validator.validate(json.loads(written.read_text()))
    save_fits(tmp_path / "fits.json", [found, own(small_tissue, visible=0.3, width=2.0)], tmp_path / "fits.npz")
    for record in json.loads((tmp_path / "fits.json").read_text()):
        validator.validate(record)
        assert set(record) == set(FitRecord.model_fields)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**record, "loss": "little"})


def test_the_page_and_the_shipped_schema_are_the_models():
    again = "run: python -m gliofit.reporting.fit_format_doc docs/result_format.md"
    assert json.loads(SCHEMA.read_text()) == schema(), again
    text = DOC.read_text(encoding="utf-8")
    assert page(text) == text, again
    assert all(f"| `{name}` |" in text for name in FitRecord.model_fields)


def test_own_densities_are_kept_beside_and_read_when_asked_for(small_tissue, tmp_path):
    fits = [own(small_tissue), own(small_tissue, visible=0.3, width=2.0)]
    fits[1].own.values[2, 2, 2] = 0.75
    save_fits(tmp_path / "0-1.json", fits, tmp_path / "0-1.npz")
    assert "float16" not in (tmp_path / "0-1.json").read_text()
    for read, fit in zip(load_fits(tmp_path / "0-1.json"), fits, strict=True):
        np.testing.assert_array_equal(read.own.values, fit.own.values.astype(np.float16).astype(np.float32))
        np.testing.assert_array_equal(read.own.affine, fit.own.affine)
        assert (read.own.visible, read.own.width) == (fit.own.visible, fit.own.width)
        rounded = Field(read.own.values, fit.own.affine, fit.own.visible, fit.own.width)
        np.testing.assert_array_equal(read.density_on(small_tissue), rounded.on(small_tissue))
    (tmp_path / "0-1.npz").unlink()
    lost = load_fits(tmp_path / "0-1.json")[0]  # θ̂ can be read without
    with pytest.raises(InputError, match=r"0-1\.npz: no such file; the fit beside it has its density there"):
        lost.density_on(small_tissue)
    (tmp_path / "0-1.npz").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"0-1\.npz: holds no density own_0"):
        load_fits(tmp_path / "0-1.json")[0].density_on(small_tissue)


def test_a_density_of_an_earlier_run_is_not_left_beside(found, small_tissue, tmp_path):
    paths = tmp_path / "fit.json", tmp_path / "fit.npz"
    save_fit(paths[0], own(small_tissue), paths[1])
    save_fit(paths[0], found, paths[1])
    assert load_fit(paths[0]).own is None
    assert np.load(paths[1]).files == []
    with pytest.raises(ValueError, match="does not lie beside"):
        save_fit(paths[0], found, tmp_path / "elsewhere/fit.npz")


def test_numbers_that_are_not_finite_are_null(small_tissue, tmp_path):
    fit = own(small_tissue)
    fit.history, fit.details = [np.inf, 0.5], {"a": [np.float32(np.nan), np.int64(3)]}
    save_fit(tmp_path / "fit.json", fit, tmp_path / "fit.npz")
    assert not re.search("NaN|Infinity", (tmp_path / "fit.json").read_text())
    read = load_fit(tmp_path / "fit.json")
    assert np.isnan(read.history[0])
    assert read.details == {"a": [None, 3]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None, "format_version": None}, "is a fit as GlioFit 0.1 wrote it, without a format; make it again"),
        ({"format_version": 2}, "has version 2 of the format gliofit-fit, but this GlioFit reads 1"),
        ({"format": "gliofit-network"}, "is not a fit: its format is 'gliofit-network'"),
        ({"loss": "little"}, r"is not as docs/result_format\.md has it: loss: "),
        ({"theta": {"origin": [0, 0], "mu_D": 1, "mu_rho": 1}}, r"has it: theta\.origin: "),
        ({"surprise": 1}, "has it: surprise: "),
        ({"seconds": None}, "has it: seconds: "),
        ({"covariance": {"names": ["x"], "values": [[1]]}}, "its covariance is not of its parameters and extras, x, y"),
    ],
)
def test_what_is_no_fit_of_this_version_is_refused_in_a_sentence(written, changes, message):
    change(written, **changes)
    with pytest.raises(InputError, match=message) as error:
        load_fit(written)
    assert str(error.value).startswith(f"{written}: ")
    assert "\n" not in str(error.value)


def test_files_that_hold_no_fit_are_named(found, tmp_path):
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        load_fit(tmp_path / "gone.json")
    path = tmp_path / "x.json"
    for text, message in (
        ("{", "is not JSON"),
        ("3", "holds no JSON object"),
        ("[4]", "holds a list of fits, not one"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            load_fit(path)
    with pytest.raises(InputError, match="holds no JSON object"):
        load_fits(path)
    save_fit(path, found, tmp_path / "x.npz")
    assert len(load_fits(path)) == 1

"""Figures are written whole, without warnings, for many cases and for few, and show what they claim to."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from gliofit import Theta, Tissue
from gliofit.base.errors import InputError
from gliofit.evaluation.metrics import tidy
from gliofit.reporting import figures
from gliofit.reporting.figures import slices, style
from gliofit.reporting.figures.volumes import segmented
from gliofit.synthetic.prior import Prior

pytestmark = pytest.mark.filterwarnings("error")
TITLES = {"cmaes_solver": "CMA-ES", "direct": "Direct", "hybrid": "Hybrid"}


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Pictures of few pixels are written faster."""
    monkeypatch.setitem(style.RC, "savefig.dpi", 60)


def errors_of(n: int, seed: int = 0) -> pd.DataFrame:
    """Log-normal errors of three methods on `n` cases, the first method on at most five of them."""
    rng = np.random.default_rng(seed)
    tables = []
    for method, centre in (("cmaes_solver", -9), ("direct", -6), ("hybrid", -8)):
        for i in range(min(n, 5) if method == "cmaes_solver" else n):
            values = {"mse": np.exp(rng.normal(centre, 1)), "true_mu_D": rng.uniform(5, 20), "true_mu_rho": 4.0 + i / 9}
            tables.append(tidy(f"case{i:02d}", "sri24", method, values | {"true_volume": rng.uniform(5, 200)}))
    return pd.concat(tables, ignore_index=True)


def blob(tissue: Tissue, centre_mm, radius: float = 12.0) -> np.ndarray:
    """A smooth ball of density inside tissue."""
    points = tissue.to_world(np.indices(tissue.shape).reshape(3, -1).T)
    r = np.linalg.norm(points - np.array(centre_mm), axis=1).reshape(tissue.shape)
    return (np.exp(-((r / radius) ** 2)) * tissue.mask).astype(np.float32)


def assert_written(stem) -> None:
    folder = stem.parent
    assert sorted(p.name for p in folder.iterdir()) == [f"{stem.name}.pdf", f"{stem.name}.png"]
    assert (folder / f"{stem.name}.pdf").read_bytes().startswith(b"%PDF")
    picture = imread(folder / f"{stem.name}.png")[..., :3]
    assert picture.shape[1] == round(60 * style.PAGE)
    assert picture.std() > 0.02  # something is drawn


@pytest.mark.parametrize("n", [1, 2, 30])
def test_distribution(tmp_path, n):
    figures.distribution(tmp_path / "figure3", errors_of(n), list(TITLES), titles=TITLES)
    assert_written(tmp_path / "figure3")


def test_distribution_of_identical_errors(tmp_path):
    frame = errors_of(12)
    frame["value"] = 1e-3
    figures.distribution(tmp_path / "figure3", frame, list(TITLES), titles=TITLES)
    assert_written(tmp_path / "figure3")


def test_distribution_needs_values(tmp_path):
    with pytest.raises(InputError, match="no values of mse on set patients"):
        figures.distribution(tmp_path / "figure3", errors_of(3), list(TITLES), titles=TITLES, cases="patients")


@pytest.mark.parametrize("n", [1, 2, 60])
def test_landscape(tmp_path, n):
    frame = figures.case_errors(errors_of(n), "hybrid")
    assert list(frame.columns) == ["mu_D", "mu_rho", "volume", "error"]
    assert len(frame) == n
    figures.landscape(tmp_path / "figure5", frame)
    assert_written(tmp_path / "figure5")


def test_case_errors_takes_each_case_of_the_method():
    metrics = errors_of(4)
    frame = figures.case_errors(metrics, "hybrid")
    chosen = metrics[(metrics["method"] == "hybrid") & (metrics["metric"] == "mse")].set_index("case")["value"]
    pd.testing.assert_series_equal(frame["error"], chosen, check_names=False)
    with pytest.raises(InputError, match="gb_surrogate has no values of"):
        figures.case_errors(metrics)


@pytest.mark.parametrize("n", [1, 3])
def test_forward(tmp_path, small_tissue, n):
    truth = blob(small_tissue, (10, 5, 0))
    case = figures.ForwardCase(small_tissue, Theta((10, 5, 0), 8, 4), truth, np.roll(truth, 1, 0))
    assert case.error == pytest.approx(np.mean(((np.roll(truth, 1, 0) - truth) * small_tissue.mask) ** 2))
    figures.forward(tmp_path / "figure1b", [case] * n)
    assert_written(tmp_path / "figure1b")


def test_forward_with_a_perfect_surrogate_and_with_none(tmp_path, small_tissue):
    truth = blob(small_tissue, (0, 15, 5))
    for predicted in (truth, np.zeros_like(truth)):
        figures.forward(tmp_path / "f", [figures.ForwardCase(small_tissue, Theta((0, 15, 5), 8, 4), truth, predicted)])
    assert_written(tmp_path / "f")


def view(tissue: Tissue, centre=(12, 0, 0), name="patient") -> figures.PatientView:
    density = blob(tissue, centre, 15)
    segmentation = np.where(density > 0.7, 1, np.where(density > 0.3, 2, 0))
    return figures.PatientView(name, tissue.wm + 0.5 * tissue.gm, segmentation, density, tissue.affine)


@pytest.mark.parametrize("n", [1, 2])
def test_patients(tmp_path, small_tissue, n):
    figures.patients(tmp_path / "figure4", [view(small_tissue)] * n)
    assert_written(tmp_path / "figure4")


def test_patient_in_three_planes(tmp_path, small_tissue):
    figures.patient(tmp_path / "overlay", view(small_tissue))
    assert_written(tmp_path / "overlay")


def test_patient_without_any_tumour(tmp_path, small_tissue):
    nothing = np.zeros(small_tissue.shape, np.float32)
    empty = figures.PatientView("none", small_tissue.wm, nothing.astype(int), nothing, small_tissue.affine)
    figures.patients(tmp_path / "figure4", [empty])
    assert_written(tmp_path / "figure4")


def test_orientation_of_the_file_does_not_matter(small_tissue):
    """A scan stored left–right and front–back flipped, axes swapped, shows the same picture."""
    straight = view(small_tissue, centre=(20, 5, -5))
    turn = nib.orientations.axcodes2ornt("PLS")
    swap = lambda a: nib.apply_orientation(a, turn)  # noqa: E731
    affine = small_tissue.affine @ nib.orientations.inv_ornt_aff(turn, small_tissue.shape)
    original = [straight.scan, straight.segmentation, straight.density]
    turned = figures.PatientView("turned", *map(swap, original), affine)
    np.testing.assert_array_equal(turned.density, straight.density)
    np.testing.assert_allclose(turned.affine, straight.affine, atol=1e-9)


def test_right_is_on_the_left(small_tissue):
    """A tumour at x > 0 mm (patient's right is −x in none, +x in RAS files) lies left of the picture's middle."""
    tissue = small_tissue
    density = blob(tissue, (20, 0, 0), 8)
    plane = slices.Plane.through(density, tissue.affine)
    ax = Figure().subplots()
    shown = plane.image(ax, density)
    plane.window(ax, tissue.brain)
    row, column = np.unravel_index(shown.get_array().argmax(), shown.get_array().shape)
    x_mm = (column + 0.5) * tissue.spacing[0]
    assert ax.transData.transform((x_mm, 0))[0] < ax.transAxes.transform((0.5, 0))[0]
    assert abs(row - tissue.shape[1] / 2) < 1.5


def test_views_from_files(tmp_path, small_tissue):
    seen = view(small_tissue)
    paths = []
    for name in ("scan", "segmentation", "density"):
        data = getattr(seen, name)
        image = nib.Nifti1Image(data.astype(np.uint8 if name == "segmentation" else np.float32), seen.affine)
        paths.append(tmp_path / f"{name}.nii.gz")
        nib.save(image, paths[-1])
    loaded = figures.PatientView.from_files("a", *paths)
    np.testing.assert_array_equal(loaded.segmentation, seen.segmentation)
    nib.save(nib.Nifti1Image(seen.density, seen.affine + np.eye(4)), paths[-1])
    with pytest.raises(InputError, match=r"density\.nii\.gz: not on the grid of"):
        figures.PatientView.from_files("a", *paths)


def test_equal_input_gives_equal_files(tmp_path):
    frame = figures.case_errors(errors_of(9), "hybrid")
    for folder in ("one", "two"):
        figures.landscape(tmp_path / folder / "figure5", frame)
    for suffix in ("pdf", "png"):
        one, two = (tmp_path / folder / f"figure5.{suffix}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_colours_keep_vermillion_for_ours():
    chosen = style.colours(list(TITLES), "hybrid")
    assert chosen["hybrid"] == style.OURS
    assert len(set(chosen.values())) == 3
    assert style.OURS not in style.PALETTE


def test_worst_cases_are_the_largest_errors():
    metrics = errors_of(6)
    worst = figures.worst_cases(metrics, list(TITLES))
    assert list(worst.index) == list(TITLES)
    errors = metrics[(metrics["method"] == "hybrid") & (metrics["metric"] == "mse")]
    assert worst.loc["hybrid", "value"] == errors["value"].max()
    assert worst.loc["hybrid", "case"] == errors.loc[errors["value"].idxmax(), "case"]


def test_volumes_with_and_without_patients(tmp_path):
    simulated = np.random.default_rng(0).gamma(2, 50, 40)
    figures.volumes(tmp_path / "one", simulated)
    figures.volumes(tmp_path / "two", simulated, [30.0, 120.0])
    pictures = [imread(tmp_path / f"{name}.png") for name in ("one", "two")]
    assert pictures[0].shape != pictures[1].shape or not np.array_equal(*pictures)
    with pytest.raises(InputError, match="there are no simulated tumours"):
        figures.volumes(tmp_path / "none", [])


def test_the_volumes_shown_without_patients_are_ones_that_the_prior_draws():
    low, high = Prior().volume
    assert len(segmented()) == 5
    assert all(low < volume < high for volume in segmented())


def test_learning_needs_every_networks_log(tmp_path):
    rows = [{"step": s, "train_loss": 1 / s, "mse": 2 / s, "mse_tissue": 3 / s} for s in (10, 20, 40)]
    figures.learning(tmp_path / "learning", {"surrogate": rows, "inverse": [{**r, "mse_tissue": 1} for r in rows]})
    assert_written(tmp_path / "learning")
    with pytest.raises(InputError, match="a network without a training log"):
        figures.learning(tmp_path / "none", {"surrogate": rows, "inverse": []})

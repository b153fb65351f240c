"""Figures are written whole, without warnings, for many cases and for few, and show what they claim to."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import imread

from gliofit import Theta, Tissue
from gliofit.base.errors import InputError
from gliofit.evaluation.metrics import tidy
from gliofit.reporting import figures
from gliofit.reporting.figures import cohort, slices, style
from gliofit.reporting.figures.errors import ENOUGH
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


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """Every figure that is saved, as matplotlib has it."""
    seen, save = [], style.save
    monkeypatch.setattr(style, "save", lambda fig, stem: seen.append(fig) or save(fig, stem))
    return seen


def rows_of(fig: Figure, rows: int, columns: int) -> np.ndarray:
    """The panels of a figure [row, column], without colour bars."""
    return np.array(fig.axes[: rows * columns], dtype=object).reshape(rows, columns)


def contours(ax) -> list:
    return [c for c in ax.collections if isinstance(c, ContourSet)]


def colours_of(lines: list) -> list[str]:
    return [to_hex(line.get_edgecolor()[0]).upper() for line in lines]


def assert_written(stem) -> None:
    folder = stem.parent
    assert sorted(p.name for p in folder.iterdir()) == [f"{stem.name}.pdf", f"{stem.name}.png"]
    assert (folder / f"{stem.name}.pdf").read_bytes().startswith(b"%PDF")
    assert imread(folder / f"{stem.name}.png").shape[1] == round(60 * style.PAGE)


def errors_by_method(metrics: pd.DataFrame) -> dict[str, np.ndarray]:
    chosen = metrics[metrics["metric"] == "mse"]
    return {name: chosen.loc[chosen["method"] == name, "value"].to_numpy() for name in TITLES}


@pytest.mark.parametrize("n", [1, 2, 30])
def test_distribution(tmp_path, drawn, n):
    figures.distribution(tmp_path / "figure3", errors_of(n), list(TITLES), titles=TITLES)
    assert_written(tmp_path / "figure3")
    (ax,) = drawn[0].axes
    values = errors_by_method(errors_of(n))
    assert ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"{TITLES[m]} ({len(v)})" for m, v in values.items()]
    lines = [(np.atleast_1d(line.get_xdata()), np.mean(line.get_ydata())) for line in ax.lines]
    low, high = ax.get_xlim()
    for row, v in enumerate(values.values()):
        # every case has its mark, at its row, in view
        assert any(np.array_equal(x, v) and abs(y + row) < 0.15 for x, y in lines)
        assert low < v.min() <= v.max() < high
        middles = [float(x[0]) for x, y in lines if len(x) == 1 and y == -row - 0.1]
        assert middles == ([np.median(v), v.mean()] if len(v) >= ENOUGH else [])
    shapes = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    assert len(shapes) == sum(len(v) >= ENOUGH for v in values.values())


def test_distribution_of_identical_errors(tmp_path, drawn):
    frame = errors_of(12)
    frame["value"] = 1e-3
    figures.distribution(tmp_path / "figure3", frame, list(TITLES), titles=TITLES)
    assert_written(tmp_path / "figure3")
    (ax,) = drawn[0].axes
    assert sum(np.array_equal(line.get_xdata(), np.full(12, 1e-3)) for line in ax.lines) == 2
    assert not ax.collections  # no spread, no shape


def test_distribution_needs_values(tmp_path):
    with pytest.raises(InputError, match="no values of mse on set patients"):
        figures.distribution(tmp_path / "figure3", errors_of(3), list(TITLES), titles=TITLES, cases="patients")


@pytest.mark.parametrize("n", [1, 2, 60])
def test_landscape(tmp_path, drawn, n):
    frame = figures.case_errors(errors_of(n), "hybrid")
    assert list(frame.columns) == ["mu_D", "mu_rho", "volume", "error"]
    assert len(frame) == n
    figures.landscape(tmp_path / "figure5", frame)
    assert_written(tmp_path / "figure5")
    left, right, bar = drawn[0].axes
    frame = frame.sort_values("error")
    for ax, columns in ((left, ["mu_D", "mu_rho"]), (right, ["volume", "error"])):
        (points,) = ax.collections
        np.testing.assert_array_equal(points.get_offsets(), frame[columns])
        np.testing.assert_array_equal(points.get_array(), frame["error"])
        assert all(ax.viewLim.contains(x, y) for x, y in frame[columns].to_numpy())
    assert (right.get_yscale(), right.get_ylabel(), bar.get_ylabel()) == ("log", "MSE", "MSE")


def test_case_errors_takes_each_case_of_the_method():
    metrics = errors_of(4)
    frame = figures.case_errors(metrics, "hybrid")
    chosen = metrics[(metrics["method"] == "hybrid") & (metrics["metric"] == "mse")].set_index("case")["value"]
    pd.testing.assert_series_equal(frame["error"], chosen, check_names=False)
    with pytest.raises(InputError, match="gb_surrogate has no values of"):
        figures.case_errors(metrics)


@pytest.mark.parametrize("n", [1, 3])
def test_forward(tmp_path, small_tissue, drawn, n):
    truth = blob(small_tissue, (10, 5, 0))
    case = figures.ForwardCase(small_tissue, Theta((10, 5, 0), 8, 4), truth, np.roll(truth, 1, 0))
    assert case.error == pytest.approx(np.mean(((np.roll(truth, 1, 0) - truth) * small_tissue.mask) ** 2))
    figures.forward(tmp_path / "figure1b", [case] * n)
    assert_written(tmp_path / "figure1b")
    predicted = np.roll(truth, 1, 0) * small_tissue.mask
    plane = slices.Plane.through(truth, small_tissue.affine)
    for row in rows_of(drawn[0], n, 4):
        shown = [ax.images[-1].get_array() for ax in row]
        for picture, volume in zip(shown[1:], (truth, predicted, predicted - truth), strict=True):
            np.testing.assert_array_equal(picture, plane.of(volume))
        assert row[3].images[-1].get_clim() == pytest.approx(
            (-limit_of(predicted - truth), limit_of(predicted - truth))
        )
        assert f"MSE {style.scientific(case.error)}" in [t.get_text() for t in row[3].texts]
        (origin,) = (line for line in row[0].lines if line.get_marker() == "+")
        place = small_tissue.to_voxel((10, 5, 0))[:2]
        np.testing.assert_allclose(np.ravel(origin.get_data()), 4 * (place + 0.5))


def limit_of(difference: np.ndarray) -> float:
    """The largest difference, rounded up to a twentieth."""
    return np.ceil(20 * np.abs(difference).max()) / 20


def test_forward_with_a_perfect_surrogate_and_with_none(tmp_path, small_tissue, drawn):
    truth = blob(small_tissue, (0, 15, 5))
    for predicted in (truth, np.zeros_like(truth)):
        figures.forward(tmp_path / "f", [figures.ForwardCase(small_tissue, Theta((0, 15, 5), 8, 4), truth, predicted)])
    assert_written(tmp_path / "f")
    perfect, none = (rows_of(fig, 1, 4)[0, 3].images[-1] for fig in drawn)
    assert not perfect.get_array().any()
    assert perfect.get_clim() == (-0.05, 0.05)
    np.testing.assert_array_equal(none.get_array(), -slices.Plane.through(truth, small_tissue.affine).of(truth))


def view(tissue: Tissue, centre=(12, 0, 0), name="patient") -> figures.PatientView:
    density = blob(tissue, centre, 15)
    segmentation = np.where(density > 0.7, 1, np.where(density > 0.3, 2, 0))
    return figures.PatientView(name, tissue.wm + 0.5 * tissue.gm, segmentation, density, tissue.affine)


def assert_outlined(line, region: np.ndarray, steps) -> None:
    """A contour runs around a region [row, column] of voxels of `steps` mm, half a voxel off its outermost centres."""
    corners = np.concatenate([path.vertices for path in line.get_paths()])
    index = np.argwhere(region)[:, ::-1]
    low, high = (index.min(0) + 0.5) * steps, (index.max(0) + 0.5) * steps
    np.testing.assert_allclose(corners.min(0), low - np.array(steps) / 2)
    np.testing.assert_allclose(corners.max(0), high + np.array(steps) / 2)


@pytest.mark.parametrize("n", [1, 2])
def test_patients(tmp_path, small_tissue, drawn, n):
    seen = view(small_tissue)
    figures.patients(tmp_path / "figure4", [seen] * n)
    assert_written(tmp_path / "figure4")
    plane = seen.plane()
    for scan, segmented_, inferred in rows_of(drawn[0], n, 3):
        for ax in (scan, segmented_, inferred):
            np.testing.assert_array_equal(ax.images[0].get_array(), plane.of(seen.scan))
        assert "patient" in [t.get_text() for t in scan.texts]
        assert [len(ax.images) for ax in (scan, segmented_, inferred)] == [1, 1, 2]
        assert contours(scan) == []
        whole, core = contours(segmented_)
        assert colours_of([whole, core]) == [style.WHOLE.upper(), style.CORE.upper()]
        assert_outlined(whole, plane.of(seen.segmentation > 0), (4, 4))
        assert_outlined(core, plane.of(seen.segmentation == 1), (4, 4))
        wash = inferred.images[1].get_array()
        np.testing.assert_allclose(wash[..., 3], 0.85 * np.clip(plane.of(seen.density) / 0.1, 0, 1), atol=1e-6)
        isolines, *outlines = contours(inferred)
        assert list(isolines.levels) == list(slices.ISOLINES)
        assert colours_of(outlines) == [style.WHOLE.upper(), style.CORE.upper()]
    titles = [ax.get_title() for ax in rows_of(drawn[0], n, 3)[0]]
    assert titles == ["Scan (T1c)", "Segmentation", "Inferred cell density"]


def test_patient_in_three_planes(tmp_path, small_tissue, drawn):
    seen = view(small_tissue)
    figures.patient(tmp_path / "overlay", seen)
    assert_written(tmp_path / "overlay")
    above, below = rows_of(drawn[0], 2, 3)
    assert [ax.get_title() for ax in above] == ["Axial", "Coronal", "Sagittal"]
    for ax, under, name in zip(above, below, ("axial", "coronal", "sagittal"), strict=True):
        for panel in (ax, under):
            np.testing.assert_array_equal(panel.images[0].get_array(), seen.plane(name).of(seen.scan))
        assert_outlined(contours(ax)[0], seen.plane(name).of(seen.segmentation > 0), (4, 4))
        assert (len(under.images), len(contours(under))) == (2, 3)


def test_patient_without_any_tumour(tmp_path, small_tissue, drawn):
    nothing = np.zeros(small_tissue.shape, np.float32)
    empty = figures.PatientView("none", small_tissue.wm, nothing.astype(int), nothing, small_tissue.affine)
    figures.patients(tmp_path / "figure4", [empty])
    assert_written(tmp_path / "figure4")
    row = rows_of(drawn[0], 1, 3)[0]
    assert not any(contours(ax) for ax in row)
    assert not row[2].images[1].get_array()[..., 3].any()


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


def test_volumes_with_and_without_patients(tmp_path, drawn):
    simulated = np.random.default_rng(0).gamma(2, 50, 40)
    figures.volumes(tmp_path / "one", simulated)
    figures.volumes(tmp_path / "two", simulated, [30.0, 120.0])
    for fig, seen, words in zip(drawn, (segmented(), [30.0, 120.0]), ("public segmentations (5)", "segmentations (2)"),
                                strict=True):  # fmt: skip
        (ax,) = fig.axes
        assert sum(bar.get_height() for bar in ax.patches) == 40
        assert [line[0, 0] for line in ax.collections[0].get_segments()] == pytest.approx(seen)
        assert [t.get_text() for t in fig.legends[0].get_texts()] == ["simulated (40)", words]
        assert ax.get_xlim()[1] >= max(*simulated, *seen)
    with pytest.raises(InputError, match="there are no simulated tumours"):
        figures.volumes(tmp_path / "none", [])


def test_the_volumes_shown_without_patients_are_ones_that_the_prior_draws():
    low, high = Prior().volume
    assert len(segmented()) == 5
    assert all(low < volume < high for volume in segmented())


def test_learning_needs_every_networks_log(tmp_path, drawn):
    rows = [{"step": s, "train_loss": 1 / s, "mse": 2 / s, "mse_tissue": 3 / s} for s in (10, 20, 40)]
    figures.learning(tmp_path / "learning", {"surrogate": rows, "inverse": [{**r, "mse_tissue": 1} for r in rows]})
    assert_written(tmp_path / "learning")
    for ax, title, validation in zip(
        drawn[0].axes, ("surrogate", "inverse"), ([0.3, 0.15, 0.075], [1, 1, 1]), strict=True
    ):
        assert (ax.get_title(), ax.get_yscale()) == (title, "log")
        training_, held_out = ax.lines
        np.testing.assert_allclose(training_.get_xydata(), [(10, 0.1), (20, 0.05), (40, 0.025)])
        np.testing.assert_allclose(held_out.get_ydata(), validation)
    assert [t.get_text() for t in drawn[0].legends[0].get_texts()] == ["training", "validation"]
    with pytest.raises(InputError, match="a network without a training log"):
        figures.learning(tmp_path / "none", {"surrogate": rows, "inverse": []})


def test_shapes_of_the_cohort(tmp_path):
    real = cohort.segmented_shapes()
    assert len(real) == 6
    assert real["core_volume"].between(9, 71).all()
    shapes = pd.concat([real.assign(of="cohort"), real.head(3).assign(of="prior")])
    cohort.cohort_shapes(tmp_path / "cohort", shapes)
    assert (tmp_path / "cohort.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no patients"):
        cohort.cohort_shapes(tmp_path / "none", shapes[shapes["of"] == "prior"])

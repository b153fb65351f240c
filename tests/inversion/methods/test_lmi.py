"""lmi and lmi_patient: with a network whose answer is known, and with one trained for seconds."""

import numpy as np
import pytest

from gliofit import Theta, invert, simulate
from gliofit.anatomy.brain_window import window_affine, window_shape
from gliofit.anatomy.morph import Morph
from gliofit.base.errors import InputError
from gliofit.inversion.fit_file import load_fits, save_fits
from gliofit.observation.joint import JointTarget
from gliofit.observation.pet import PETTarget
from gliofit.synthetic.shards import simulate_shard
from gliofit.training.loop import train
from gliofit.training.settings import WholeBrainSettings

MOVE = np.array([8.0, -4.0, 4.0])


class Known:
    """Answers θ (world mm of the atlas) whatever it is shown; keeps what that was."""

    def __init__(self, theta: Theta, tissue, spacing: float = 4.0):
        self.shape, self.spacing = window_shape(tissue, spacing), spacing
        self.affine = window_affine(tissue, self.shape, spacing)
        middle = self.affine[:3, :3] @ ((np.array(self.shape) - 1) / 2) + self.affine[:3, 3]
        self.answer, self.core, self.whole = theta.to_array() - [*middle, 0, 0], None, None

    def predict(self, core, whole, maps):
        assert maps.shape == (3, *self.shape)
        self.core, self.whole = core, whole
        return self.answer.copy()


class Moved:
    """A registration whose patient is the atlas moved by MOVE, a whole number of voxels."""

    def to_atlas(self, volumes, shape, affine):
        shifted = affine.copy()
        shifted[:3, 3] += MOVE
        return [Morph(None).to_atlas([v.data], v.affine, shape, shifted)[0] for v in volumes]

    def to_patient(self, volumes, shape, affine):
        shifted = affine.copy()
        shifted[:3, 3] -= MOVE
        return [Morph(None).to_atlas([v.data], v.affine, shape, shifted)[0] for v in volumes]

    def points_to_patient(self, points):
        return np.atleast_2d(points) + MOVE


@pytest.fixture(scope="module")
def patient(small_tissue):
    """The small head, moved by MOVE: its tissue, and the way to the atlas."""
    affine = small_tissue.affine.copy()
    affine[:3, 3] += MOVE
    return type(small_tissue)(small_tissue.wm, small_tissue.gm, small_tissue.csf, affine)


def test_the_network_sees_outlines_in_the_atlass_space(small_tissue, segmented, truth, patient):
    for tissue, morph in ((small_tissue, None), (patient, Morph(small_tissue, Moved()))):
        network = Known(truth, small_tissue)
        fit = invert(segmented, tissue, "lmi", networks={"lmi": network}, morph=morph)
        places = np.argwhere(network.whole)
        low, high = (small_tissue.to_voxel(network.affine[:3, 3] + 4.0 * p) for p in (places.min(0), places.max(0)))
        np.testing.assert_allclose(low, np.argwhere(segmented.whole).min(0))
        np.testing.assert_allclose(high, np.argwhere(segmented.whole).max(0))
        assert (network.whole.sum(), network.core.sum()) == (segmented.whole.sum(), segmented.core.sum())
        assert (fit.converged, fit.evaluations, fit.history) == (True, 1, [fit.loss])


@pytest.mark.parametrize("name", ["lmi", "lmi_patient"])
def test_the_true_theta_explains_the_tumour_wherever_the_patient_lies(
    name, small_tissue, segmented, solved, truth, patient
):
    for tissue, morph, move in ((small_tissue, None, 0), (patient, Morph(small_tissue, Moved()), MOVE)):
        fit = invert(segmented, tissue, name, networks={"lmi": Known(truth, small_tissue)}, morph=morph)
        np.testing.assert_allclose(fit.density, solved, atol=1e-4)
        np.testing.assert_allclose(fit.theta.origin, np.array(truth.origin) + move)
        np.testing.assert_allclose(fit.details["theta_atlas"]["origin"], truth.origin)
        # cut at 0.6 and 0.2, and the thresholds are found again
        assert fit.extras["threshold_core"] == pytest.approx(0.6, abs=0.03)
        assert fit.extras["threshold_whole"] == pytest.approx(0.2, abs=0.03)
        assert fit.loss == pytest.approx(segmented.loss(fit.density, list(fit.extras.values())))


def test_lmi_keeps_the_atlass_tissue_and_lmi_patient_the_patients(small_tissue, segmented, truth, patient, tmp_path):
    """A patient with grey matter only: growth there is slower than in the atlas."""
    grey = type(patient)(0 * patient.wm, patient.wm + patient.gm, patient.csf, patient.affine)
    morph, networks = Morph(small_tissue, Moved()), {"lmi": Known(truth, small_tissue)}
    fits = [invert(segmented, grey, name, networks=networks, morph=morph) for name in ("lmi", "lmi_patient")]
    in_atlas, in_patient = (fit.density for fit in fits)
    np.testing.assert_allclose(in_atlas, simulate(small_tissue, truth), atol=1e-4)
    moved = Theta(tuple(np.array(truth.origin) + MOVE), truth.mu_D, truth.mu_rho)
    np.testing.assert_allclose(in_patient, simulate(grey, moved), atol=1e-6)
    assert (in_patient > 0.2).sum() < 0.8 * (in_atlas > 0.2).sum()
    # … and what tables read from their file are the same two
    save_fits(tmp_path / "fits.json", fits, tmp_path / "fits.npz")
    for read, fit in zip(load_fits(tmp_path / "fits.json"), fits, strict=True):
        np.testing.assert_allclose(read.density_on(grey), fit.density, atol=1e-3)


def test_a_density_is_shown_by_its_outlines(small_tissue, solved, segmented, truth):
    network = Known(truth, small_tissue)
    fit = invert(solved, small_tissue, "lmi", networks={"lmi": network})
    assert (network.core.sum(), network.whole.sum()) == ((solved >= 0.65).sum(), (solved >= 0.25).sum())
    assert fit.extras == {}
    assert fit.loss < 1e-8
    uptake = PETTarget(solved, segmented.whole)
    invert(JointTarget((segmented, uptake), (1.0, 1.0)), small_tissue, "lmi", networks={"lmi": network})
    assert network.core.sum() == segmented.core.sum()
    with pytest.raises(InputError, match="needs a density or a segmentation"):
        invert(uptake, small_tissue, "lmi", networks={"lmi": network})


def test_an_origin_beside_the_tissue_moves_into_it(small_tissue, segmented, truth):
    far = Theta((0.0, 0.0, 200.0), truth.mu_D, truth.mu_rho)
    for name in ("lmi", "lmi_patient"):
        fit = invert(segmented, small_tissue, name, networks={"lmi": Known(far, small_tissue)})
        assert fit.density.max() > 0.5


def test_bad_input_is_refused(small_tissue, segmented, truth):
    with pytest.raises(InputError, match="needs trained weights for: lmi"):
        invert(segmented, small_tissue, "lmi")
    with pytest.raises(InputError, match="unknown setting 'spacing'; there are: none"):
        invert(segmented, small_tissue, "lmi", networks={"lmi": Known(truth, small_tissue)}, spacing=2)


def test_a_network_trained_for_seconds_places_a_tumour(small_tissue, solved, segmented, truth, tmp_path):
    for split, count in (("train", 24), ("validation", 4)):
        simulate_shard(small_tissue, tmp_path / f"{split}.h5", count, (32,) * 3, seed=1, split=split, progress=False)
    settings = WholeBrainSettings(width=8, steps=40, batch=8, learning_rate=2e-3)
    files = {"log_csv": tmp_path / "l.csv", "figure_png": tmp_path / "l.png", "checkpoint": tmp_path / "c.pt"}
    weights = tmp_path / "lmi.safetensors"
    train("lmi", settings, [tmp_path / "train.h5"], [tmp_path / "validation.h5"], weights, **files, progress=False)
    for name in ("lmi", "lmi_patient"):
        fit = invert(segmented, small_tissue, name, networks={"lmi": weights})
        assert np.linalg.norm(np.array(fit.theta.origin) - truth.origin) < 15
        assert np.mean((fit.density - solved) ** 2) < 0.6 * np.mean(solved**2)

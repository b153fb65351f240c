"""What a run makes of the geometry-aware surrogate, from its config alone."""

import json
from pathlib import Path

import pytest
import yaml

from gliofit.base.errors import InputError
from gliofit.pipeline.config import load_config
from gliofit.pipeline.geometry_study import GeometryStudy
from gliofit.pipeline.weights import Weights

ROOT = Path(__file__).parents[2]


def study(patients=(), root=ROOT, **changes) -> GeometryStudy:
    """Of the default config with keys of its sections changed."""
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for key, value in changes.items():
        values[key] = values[key] | value
    config = load_config(values)
    return GeometryStudy(config, list(patients), Weights.of(config, root))


def test_each_row_is_trained_and_the_paper_s_on_each_ratio():
    made = study(geometry_aware={"ratios": [10, 100], "ablations": ["a", "c"]})
    assert list(made.networks) == ["a_10", "c_10", "f_10", "f_100"]
    assert (made.ours, made.compared) == ("f_10", ["f_10", "f_100"])
    assert (made.settings("a_10")["architecture"], made.settings("a_10")["terms"]) == ("ezhov_unet", "tumour+csf")
    assert (made.settings("c_10")["architecture"], made.settings("c_10")["terms"]) == ("ezhov", "whole")
    steps = {made.settings(name)["steps"] for name in made.networks}
    assert len(steps) == 1
    assert made.methods["surrogate"][1] == 10
    assert made.titles.keys() == made.methods.keys()


def test_tumours_are_those_of_all_heads_and_the_first_patients():
    made = study(["p1", "p2", "p3"], geometry_aware={"test_heads": 2, "patients": 2, "ratios": [10]})
    unseen = [tumours.head for tumours in made.tumours if tumours.split == "unseen"]
    assert unseen == ["mni152", "p1", "p2"]
    assert sum(tumours.split == "test" for tumours in made.tumours) == 2
    assert set(made.released_tests.values()) == {"deformed sri24", "mni152"}


def test_without_tumours_there_is_no_study():
    made = study(geometry_aware={"train": 0})
    assert not any([made.networks, made.methods, made.tumours, made.tables, made.figures])


def test_on_a_grid_of_its_own_the_methods_surrogate_is_no_match():
    made = study(geometry_aware={"spacing": 4})
    assert (made.spacing, made.crop) == (4.0, (32, 32, 32))
    assert "surrogate" not in made.methods


def test_released_weights_have_a_row(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.touch()

    def named(**card) -> GeometryStudy:
        path.with_suffix(".json").write_text(json.dumps({"role": "geometry_aware", "spacing": 2.0} | card))
        return study(networks={"released": {"geometry_aware": str(path)}})

    assert named().shown == ["geometry_aware", "surrogate"]
    assert named(spacing=4.0).shown == ["f_10", "surrogate"]
    with pytest.raises(InputError, match=r"released\.geometry_aware: .*is a network of role 'lmi'"):
        named(role="lmi")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"test_heads": 200}, "geometry_aware.test_heads = 200 is more than the 60 tumours in them"),
        ({"train": 5}, "geometry_aware.train_heads = 10 is more than the 5 tumours in them"),
        ({"diffusivity": [0.08, 0.01]}, "geometry_aware: the range diffusivity = 0.08 … 0.01 must be positive"),
        ({"ratios": []}, "geometry_aware.ratios"),
        ({"ablations": ["g"]}, "geometry_aware.ablations"),
    ],
)
def test_impossible_studies_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        study(geometry_aware=given)

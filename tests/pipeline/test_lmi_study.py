"""What a run makes of Learn-Morph-Infer's Table 2, from its config alone."""

from pathlib import Path

import pytest
import yaml

from gliofit.base.errors import InputError
from gliofit.pipeline.config import load_config
from gliofit.pipeline.lmi_study import LmiPlan

ROOT = Path(__file__).parents[2]


def plan(**changes) -> LmiPlan:
    """Of the default config with keys of `lmi_study` changed."""
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    values["lmi_study"] |= changes
    return LmiPlan(load_config(values), ROOT)


def test_tumours_are_shared_among_shards():
    made = plan(train={"fisher_kolmogorov": 61, "mass_effect": 3}, shards=4)
    sizes = [made.shard_size("fisher_kolmogorov", "train", shard) for shard in range(4)]
    assert (sum(sizes), max(sizes) - min(sizes)) == (61, 1)
    assert len(made.shards("mass_effect", "train")) == 3  # none is empty
    assert made.shards("fisher_kolmogorov", "validation") == ["results/lmi_study/fisher_kolmogorov/validation/0.h5"]
    assert made.number("fisher_kolmogorov", "validation") == 6
    assert made.number("mass_effect", "validation") == 4


def test_networks_for_mass_effect_follow_the_others():
    made = plan(follow=True, released=False)
    first, card = made.followed("mass_effect", "all")
    assert first == made.weights("fisher_kolmogorov")["all"] == "results/lmi_study/fisher_kolmogorov/all.safetensors"
    assert card.endswith("all.json")
    assert made.settings("mass_effect", "all")["start"] == first
    assert made.settings("fisher_kolmogorov", "all")["start"] is None
    assert plan(follow=False).followed("mass_effect", "all") == []
    assert "targets" not in made.settings("mass_effect", "all")
    assert {made.settings("mass_effect", targets).get("targets") for targets in made.weights("mass_effect")} > {None}


def test_without_one_to_follow_a_network_goes_on_from_weights_of_the_config():
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())["lmi_study"]
    made = plan(follow=False, released=False, network=values["network"] | {"start": "some.safetensors"})
    assert made.settings("mass_effect", "all")["start"] == "some.safetensors"


def test_networks_of_the_repository_are_said_to_be():
    made = plan(released=True)
    assert made.experiments["lmi_6"].endswith("released")
    assert made.weights("mass_effect")["all"].endswith("resources/weights/lmi_mass_effect.safetensors")
    assert made.weights("mass_effect")["origin"] == "results/lmi_study/mass_effect/origin.safetensors"
    assert made.logs["fisher_kolmogorov: all"].endswith("resources/weights/lmi.json")
    assert not any("released" in title for title in plan(released=False).experiments.values())
    with pytest.raises(InputError, match=r"lmi_study\.released: .*lmi\.safetensors: no such weights"):
        LmiPlan(made.config, "elsewhere")


def test_rows_are_refined_for_the_models_that_are_asked_for():
    assert "lmi_7" not in plan(refined=[]).experiments
    assert set(plan(refined=["mass_effect"]).experiments) >= {"lmi_6", "lmi_8"}


def test_a_model_without_test_tumours_is_left_out():
    assert list(plan(refined=[]).experiments) == [f"lmi_{number}" for number in range(1, 7)]
    made = plan(test={"fisher_kolmogorov": 0, "mass_effect": 5}, follow=False, released=False)
    assert list(made.experiments) == ["lmi_4", "lmi_5", "lmi_6", "lmi_8"]
    assert all("mass_effect" in path for path in [*made.scores, *made.logs.values()])
    none = plan(test={"fisher_kolmogorov": 0, "mass_effect": 0}, follow=False)
    assert not any([none.experiments, none.scores, none.logs, none.tables, none.figures])

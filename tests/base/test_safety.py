"""What comes from outside is never unpickled, evaluated or given to a shell (SECURITY.md)."""

from __future__ import annotations

import ast
import gzip
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from gliofit import InputError
from gliofit.base.nifti import load_volume
from gliofit.inversion.fit_file import load_fit
from gliofit.networks.weights import load_network
from gliofit.synthetic.shards import ShardDataset

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")])
OWN_CACHE = ROOT / "src/gliofit/growth/cpu/compiled.py"
"""Reads what it wrote itself."""

NEVER = {"eval", "exec", "os.system", "os.popen", "yaml.unsafe_load", "shelve.open", "joblib.load", "pd.read_pickle"}


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Every call of a module: its dotted name and keyword arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: k.value for k in node.keywords if k.arg}


def faults(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [f"calls {name}" for name, _ in calls(tree) if name in NEVER]
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    if path != OWN_CACHE:
        found += [f"imports {name}" for name in imported & {"pickle", "cPickle", "dill", "marshal", "shelve"}]
    for name, given in calls(tree):
        said = {key: getattr(value, "value", None) for key, value in given.items()}
        if name == "torch.load" and said.get("weights_only") is not True:
            found.append("torch.load without weights_only=True")
        if said.get("allow_pickle") or said.get("shell"):
            found.append(f"{name} with allow_pickle or shell")
        if name == "yaml.load" and "FullLoader" not in ast.unparse(given.get("Loader", ast.Constant(0))):
            found.append("yaml.load that makes any object")
    return found


def test_no_source_unpickles_or_calls_a_shell():
    assert len(SOURCES) > 100
    assert {str(path.relative_to(ROOT)): found for path in SOURCES if (found := faults(path))} == {}


def test_the_check_sees_what_it_is_for(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("import pickle\ntorch.load(p)\nrun(c, shell=True)\nnp.load(p, allow_pickle=True)\neval(t)\n")
    assert len(faults(path)) == 5


class Planted:
    """Unpickling it would leave a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("reader", ["weights", "fit", "volume", "shard"])
def test_a_pickle_in_disguise_is_refused_and_not_run(tmp_path, reader):
    mark, path = tmp_path / "mark", tmp_path / "given"
    if reader == "weights":
        path = path.with_suffix(".safetensors")
        torch.save(Planted(mark), path)
        card = (ROOT / "resources/weights/inverse.json").read_text(encoding="utf-8")
        path.with_suffix(".json").write_text(card, encoding="utf-8")
        read = lambda: load_network(path, "inverse")  # noqa: E731
    elif reader == "volume":
        path = path.with_suffix(".nii.gz")
        path.write_bytes(pickle.dumps(Planted(mark)))
        read = lambda: load_volume(path)  # noqa: E731
    elif reader == "shard":
        path.write_bytes(pickle.dumps(Planted(mark)))
        read = lambda: ShardDataset([path])  # noqa: E731
    else:
        np.save(tmp_path / "x.npy", np.array([Planted(mark)], object), allow_pickle=True)
        path = path.with_suffix(".json")
        path.write_bytes((tmp_path / "x.npy").read_bytes())
        read = lambda: load_fit(path)  # noqa: E731
    with pytest.raises(InputError):
        read()
    assert not mark.exists()


def test_a_packed_scan_is_unpacked_as_far_as_its_header_says(tmp_path):
    image = nib.Nifti1Image(np.random.default_rng(1).random((8, 9, 10)).astype(np.float32), np.eye(4))
    path = tmp_path / "t1.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(image.to_bytes())
        for _ in range(50):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    data = load_volume(path).data
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(data, image.get_fdata(dtype=np.float32))
    assert most < 5_000_000

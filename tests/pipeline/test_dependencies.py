"""Which sources a script depends on."""

from __future__ import annotations

import ast
from pathlib import Path

from gliofit.pipeline import dependencies as module
from gliofit.pipeline.dependencies import DIGESTED, SOURCE, dependencies, digest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"


def names(*starts) -> set[str]:
    return {str(path.relative_to(SOURCE / "gliofit")) for path in dependencies(*starts)}


def test_dependencies_of_a_module_reach_what_it_imports_inside_functions(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def f():\n    from gliofit.base import errors\n    import numpy\n")
    assert names(script) == {"base/errors.py"}


def test_dependencies_follow_imports_of_imports(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from gliofit.base.nifti import load_volume\n")
    assert {"base/nifti.py", "base/errors.py"} <= names(script)


def test_import_statements_are_found_without_parsing_what_is_around_them(tmp_path):
    def every(path):
        return {ast.dump(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, statements)}

    statements = (ast.Import, ast.ImportFrom)
    odd = tmp_path / "odd.py"
    odd.write_text("import a, \\\n    b\nif 1:\n    from c import (  # (d)\n        e,\n    )\nimport f  # g (h)\n")
    for path in [odd, *SOURCE.glob("gliofit/p*/*.py"), *SCRIPTS.glob("*.py")]:
        assert {ast.dump(node) for node in module.import_statements(path)} == every(path), path


def test_simulations_depend_on_the_solver_and_not_on_figures_or_methods():
    found = names(SCRIPTS / "simulate_shard.py")
    assert {"growth/fisher_kolmogorov.py", "synthetic/prior.py", "synthetic/shards.py", "anatomy/tissue.py"} <= found
    assert not {name for name in found if name.startswith(("reporting", "inversion", "networks"))}


def test_a_method_depends_on_its_own_module_only():
    found = names(SCRIPTS / "fit_cases.py", "gliofit.inversion.methods.cmaes")
    assert "inversion/methods/cmaes.py" in found
    assert not found & {f"inversion/methods/{name}.py" for name in ("hybrid", "gauss_newton")}


def test_a_digest_follows_what_the_files_hold(tmp_path, monkeypatch):
    source = tmp_path / "src"
    (source / "gliofit").mkdir(parents=True)
    (source / "gliofit/thing.py").write_text("value = 1\n")
    script = tmp_path / "script.py"
    script.write_text("from gliofit import thing\n")
    monkeypatch.setattr(module, "SOURCE", source)

    def fresh() -> str:
        for function in (digest, dependencies, module._files, module._imports):
            function.cache_clear()
        return digest(script)

    first = fresh()
    assert [path.name for path in DIGESTED[first]] == ["thing.py"]
    (source / "gliofit/thing.py").touch()
    assert fresh() == first
    (source / "gliofit/thing.py").write_text("value = 2\n")
    assert fresh() != first

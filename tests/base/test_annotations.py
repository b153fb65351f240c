"""Public functions say what they take and give."""

import ast
from collections.abc import Iterator
from pathlib import Path

import gliofit

COMPILED = {"kernel", "apart", "inlined", "intrinsic"}
"""Decorators of functions that numba compiles: their types come from the call."""


def public_functions(node: ast.AST, in_class: bool = False) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Functions and methods of public classes that others call, and whether each is a method."""
    for child in ast.iter_child_nodes(node):
        named = getattr(child, "name", "_")
        if isinstance(child, ast.ClassDef) and not named.startswith("_"):
            yield from public_functions(child, True)
        special = named.startswith("__") and named.endswith("__")
        if isinstance(child, ast.FunctionDef) and (special or not named.startswith("_")):
            yield child, in_class


def lacks(function: ast.FunctionDef, is_method: bool) -> list[str]:
    """Arguments without a type, and "return" if it has none."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [argument for argument in (given.vararg, given.kwarg) if argument]
    if is_method and not any(getattr(d, "id", "") == "staticmethod" for d in function.decorator_list):
        arguments = arguments[1:]
    untyped = [argument.arg for argument in arguments if argument.annotation is None]
    return untyped + ["return"] * (function.returns is None and function.name != "__init__")


def test_public_functions_are_annotated():
    folder = Path(gliofit.__file__).parent
    untyped = []
    for path in sorted(folder.rglob("*.py")):
        for function, is_method in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            if COMPILED & {getattr(decorator, "id", "") for decorator in function.decorator_list}:
                continue
            if missing := lacks(function, is_method):
                untyped.append(f"{path.relative_to(folder)}: {function.name}: {', '.join(missing)}")
    assert not untyped


def test_what_lacks_a_type_is_found():
    methods = ("def f(self, a, *, b: int): ...", "def __init__(self, c: int): ...", "def _g(self, d): ...")
    source = "class A:\n" + "".join(f"    {text}\n" for text in methods)
    found = [(function.name, lacks(function, method)) for function, method in public_functions(ast.parse(source))]
    assert found == [("f", ["a", "return"]), ("__init__", [])]

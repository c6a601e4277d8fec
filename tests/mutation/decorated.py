"""Moves the bodies of decorated functions out, in a copy of the code, so that mutmut breaks them, too.

mutmut leaves every decorated function alone (mutmut/mutation/file_mutation.py): a class of cached properties would have
nothing to break, and each property would go untested without a word.
"""

import ast
import copy
import gc
from functools import _lru_cache_wrapper
from typing import Final

import pytest

__all__ = ["move_bodies_out", "pytest_runtest_setup"]

_DECORATORS: Final = frozenset({"property", "cached_property", "lru_cache", "cache"})


def move_bodies_out(code: str) -> str:
    """The same code, in which a decorated function only calls a plain one that has its body."""
    return ast.unparse(ast.fix_missing_locations(_BodiesOutside().visit(ast.parse(code))))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empties every cache before each test: what an unbroken run left in one would hide a breakage."""
    for cache in gc.get_objects():
        if isinstance(cache, _lru_cache_wrapper):
            cache.cache_clear()


class _BodiesOutside(ast.NodeTransformer):
    def __init__(self) -> None:
        self._is_in_class = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        outer, self._is_in_class = self._is_in_class, True
        self.generic_visit(node)
        self._is_in_class = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | list[ast.FunctionDef]:
        if not any(_name(decorator) in _DECORATORS for decorator in node.decorator_list):
            return node
        names: list[ast.expr] = [ast.Name(id=each.arg, ctx=ast.Load()) for each in node.args.args]
        named = [
            ast.keyword(arg=each.arg, value=ast.Name(id=each.arg, ctx=ast.Load())) for each in node.args.kwonlyargs
        ]
        plain = copy.copy(node)
        plain.name, plain.decorator_list = f"{node.name}_body", []
        own: ast.expr = ast.Name(id=plain.name, ctx=ast.Load())
        if self._is_in_class:
            own = ast.Attribute(value=names.pop(0), attr=plain.name, ctx=ast.Load())
        node.body = [ast.Return(value=ast.Call(func=own, args=names, keywords=named))]
        return [plain, node]


def _name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")

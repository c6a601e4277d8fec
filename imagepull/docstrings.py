"""Docstrings of fields, which Python does not keep: read from the source."""

import ast
import inspect
import re
from functools import cache
from textwrap import dedent
from typing import Final

from imagepull.inputs import to_camel_case

__all__ = ["read_field_docstring", "use_wire_names"]

_SNAKE_CASE: Final = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def read_field_docstring(owner: type, field: str) -> str:
    """The text below `field` in the body of the class `owner`; empty where there is none."""
    return _read_all(owner).get(field, "")


def use_wire_names(docstring: str) -> str:
    """A docstring in one line for each paragraph, with the names of fields as the schema has them (`roleArn`)."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(docstring).split("\n\n")]
    return _SNAKE_CASE.sub(lambda match: f"`{to_camel_case(match[1])}`", "\n\n".join(paragraphs))


@cache
def _read_all(owner: type) -> dict[str, str]:
    (body,) = ast.parse(dedent(inspect.getsource(owner))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = text
    return found

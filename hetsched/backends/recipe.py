"""How to make a backend anew elsewhere: a name and plain data, never pickled objects."""

import importlib
from typing import Any, Protocol, runtime_checkable

import msgspec

from hetsched.errors import BackendError


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a backend.

    Attributes:
        factory: `package.module:name` of a class or function.
        options: its keyword arguments: numbers, strings, None, and lists and dicts of them.
    """

    factory: str
    options: dict[str, Any] = {}


@runtime_checkable
class Reproducible(Protocol):
    """A backend that can be made anew in another process."""

    def recipe(self) -> Recipe:
        """What makes another one like it."""
        ...


def make(recipe: Recipe) -> Any:
    """Make what a recipe describes.

    Raises:
        BackendError: when its factory doesn't exist, or doesn't take these options.
    """
    module, _, name = recipe.factory.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BackendError(f"backend factory {recipe.factory!r} can't be found: {error}") from error
    try:
        return factory(**recipe.options)
    except TypeError as error:
        raise BackendError(f"backend factory {recipe.factory!r}: {error}") from error

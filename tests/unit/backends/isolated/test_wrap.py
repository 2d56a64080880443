"""What a backend can be asked, it can be asked in a child process."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.backends.base import Probing, Querying, Releasing, Reviving, StageSpec, Traits, traits
from hetsched.backends.faulty import FaultyBackend
from hetsched.backends.isolated.backend import IsolatedBackend
from hetsched.backends.isolated.wrap import isolated
from hetsched.backends.null import NullBackend
from hetsched.backends.ort import OrtBackend
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError, UnitDownError
from tests.unit.backends.isolated.asked import AskedBackend
from tests.unit.runtime.fakes import DIAMOND

ALL = Traits(emulated=True, arithmetic="float16", computes=False)
"""As `AskedBackend` has them."""


def test_the_child_answers_what_the_backend_would(tmp_path: Path) -> None:
    mark = tmp_path / "released"
    backend = isolated(AskedBackend(str(mark)), unit="npu", cores=None)
    assert isinstance(backend, Probing)
    assert isinstance(backend, Querying)
    assert isinstance(backend, Releasing)
    assert isinstance(backend, Reviving)
    found = backend.probe()
    assert found.version == str(backend.pid) != str(os.getpid())
    assert (found.name, found.dtypes, found.notes) == ("asked", ("float16",), ("a", "b"))
    able = dict.fromkeys(("head", "left", "tail"))
    assert backend.supports(DIAMOND) == {**able, "right": "not here"}
    with pytest.raises(BackendError, match="no driver"):
        backend.supports(replace(DIAMOND, name="bad"))
    child = backend.pid
    backend.release()
    assert mark.read_text() == str(child), "the child's backend wasn't released"
    assert backend.pid is None


def test_a_driver_that_crashes_when_it_is_asked_takes_nobody_along(tmp_path: Path) -> None:
    backend = isolated(AskedBackend(str(tmp_path / "r"), crashes=True), unit="npu", cores=None)
    assert isinstance(backend, Querying)
    with pytest.raises(UnitDownError, match=r"in phase 'loading' of model .*SIGABRT"):
        backend.supports(DIAMOND)
    assert backend.pid is None


@pytest.mark.parametrize("inner", [NullBackend(), OrtBackend()])
def test_what_it_lacks_it_lacks_there(inner: NullBackend | OrtBackend) -> None:
    backend = isolated(inner, unit="npu", cores=None)
    assert isinstance(backend, Probing) == isinstance(inner, Probing)
    assert isinstance(backend, Querying) == isinstance(inner, Querying)
    assert backend.pid is None, "nothing was asked yet"


def test_onnx_runtimes_probe() -> None:
    backend = isolated(OrtBackend(), unit="cpu", cores=(0,))
    assert isinstance(backend, Probing)
    assert backend.probe() == OrtBackend().probe()
    backend.release()


def test_traits_are_the_inner_backends(tmp_path: Path) -> None:
    inner = AskedBackend(str(tmp_path / "released"))
    assert traits(inner) == ALL
    assert traits(isolated(inner, unit="npu", cores=None)) == ALL
    assert traits(FaultyBackend(inner.recipe())) == ALL
    assert traits(isolated(FaultyBackend(inner.recipe()), unit="npu", cores=None)) == ALL
    assert traits(NullBackend()) == Traits(computes=False)
    assert traits(OrtBackend()) == Traits()


def test_a_backend_known_by_its_recipe_alone_says_them_when_it_has_started(tmp_path: Path) -> None:
    recipe = Recipe(
        factory="tests.unit.backends.isolated.asked:AskedBackend",
        options={"released": str(tmp_path / "released")},
    )
    backend = IsolatedBackend(recipe, name="asked", unit="npu")
    assert traits(backend) == Traits()
    backend.compile(DIAMOND, [StageSpec(id="s", ops=("head",), outputs=("a",))])
    assert traits(backend) == ALL
    backend.release()

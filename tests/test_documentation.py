import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from numpydoc.validate import validate

import sklearn_metalabel

ROOT = Path(__file__).parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
# GL: layout and order of sections; SS: summary; PR: parameters; RT: returns; SA04: See Also without a reason.
# SS05 takes every first word that ends in s for a verb.
CODES = {
    *("GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10"),
    *("SS01", "SS02", "SS03", "SS04"),
    *("PR01", "PR02", "PR03", "PR04", "PR06", "PR07", "PR10"),
    *("RT01", "RT03", "SA04"),
}


# What is for the other rooms alone, not for users.
INTERNAL = {"utils"}


def rooms():
    """The package and its public folders, as modules."""
    found = pkgutil.iter_modules(sklearn_metalabel.__path__)
    public = [m.name for m in found if m.ispkg and m.name not in INTERNAL]
    modules = [importlib.import_module(f"sklearn_metalabel.{name}") for name in public]
    return [sklearn_metalabel, *(module for module in modules if getattr(module, "__all__", []))]


def public_names():
    """Pairs of a room and a public name in it."""
    return [(room.__name__, name) for room in rooms() for name in room.__all__ if not name.startswith("_")]


def documented_names():
    """Pairs of a room and a name that docs/api.rst lists, with what it names in full in the text."""
    room, found = None, set()
    for line in (ROOT / "docs" / "api.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            room = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            found.add((room, line.strip()))
        found.update(re.findall(r"`(sklearn_metalabel[\w.]*)\.(\w+)`", line))
    return found


# How the docstring of a method ends that does what the one it overrides says.
SEE_BASE = "documented in the base class."


def documented_objects():
    """Full names of all public classes and functions, and of the public methods written and documented here."""
    for room, name in public_names():
        yield f"{room}.{name}"
        thing = getattr(importlib.import_module(room), name)
        if not inspect.isclass(thing):
            continue
        for method, member in inspect.getmembers(thing, callable):
            ours = (getattr(member, "__module__", None) or "").startswith("sklearn_metalabel")
            if ours and not method.startswith("_") and not (member.__doc__ or "").endswith(SEE_BASE):
                yield f"{room}.{name}.{method}"


def test_api_page_lists_exactly_the_public_names():
    assert documented_names() == set(public_names())


@pytest.mark.parametrize(("room", "name"), public_names())
def test_public_name_exists_and_says_where_it_belongs(room, name):
    thing = getattr(importlib.import_module(room), name)

    assert thing.__module__.startswith("sklearn_metalabel.")
    assert thing.__name__ == name


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.__name__)
def test_all_is_sorted_and_names_every_import(room):
    names = [name for name in room.__all__ if not name.startswith("_")]
    # A name imported as itself, `x as x`, is shared with the other rooms; all others are public.
    source = ast.parse(Path(room.__file__).read_text(encoding="utf-8"))
    aliases = [
        alias
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{room.__name__}.")
        for alias in node.names
    ]

    assert names == sorted(names)
    assert set(names) == {alias.name for alias in aliases if alias.asname is None} - {"lazy_names"}
    assert set(dir(room)) >= set(names)


@pytest.mark.parametrize("room", sorted(INTERNAL))
def test_what_the_rooms_share_is_listed_and_sorted(room):
    module = importlib.import_module(f"sklearn_metalabel.{room}")

    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_a_method_that_refers_to_its_base_class_overrides_a_documented_one():
    classes = {getattr(importlib.import_module(room), name) for room, name in public_names()}
    for each in filter(inspect.isclass, classes):
        for name, member in vars(each).items():
            if (getattr(member, "__doc__", None) or "").endswith(SEE_BASE):
                above = [vars(base)[name] for base in each.__mro__[1:] if name in vars(base)]
                returns = any("Returns" in inspect.getdoc(method) for method in above)
                assert returns or name.startswith(("check_", "warn")), each


@pytest.mark.parametrize("name", sorted(set(documented_objects())))
def test_docstring_is_valid_numpydoc(name):
    errors = [f"{code}: {message}" for code, message in validate(name)["errors"] if code in CODES]

    assert not errors


@pytest.mark.parametrize(("room", "name"), public_names())
def test_docstring_has_an_example(room, name):
    thing = getattr(importlib.import_module(room), name)

    assert ">>> " in inspect.getdoc(thing) or (inspect.isclass(thing) and issubclass(thing, Warning))


@pytest.mark.parametrize("marker", ["main-command", "test-command"])
def test_readme_has_the_command_that_continuous_integration_runs(marker):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```", readme, flags=re.DOTALL).group(1)

    assert block.startswith("python3 -m venv .venv && ")
    assert "\n" not in block
    assert marker in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_readme_links_hold_on_every_site_that_shows_it():
    links = re.findall(r'(?:href|src)="([^"]*)"', MarkdownIt().render((ROOT / "README.md").read_text(encoding="utf-8")))
    start = f"{URLS['Source']}/blob/main/"
    files = [link.removeprefix(start) for link in links if link.startswith(start)]

    assert [link for link in links if not link.startswith("https://")] == []
    assert {"CHANGES.md", "LICENSE"} <= set(files)
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_addresses_of_the_project_are_those_of_one_repository():
    assert {"Source", "Documentation", "Changes", "Issues"} <= URLS.keys()
    assert [address for address in URLS.values() if not address.startswith(URLS["Source"])] == []

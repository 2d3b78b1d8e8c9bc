"""The documentation as text: what its pages list, and that code fits its column."""

import ast
import importlib.util
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.rst") if not {"_build", "auto_examples", "generated"} & set(p.parts))
MODULES = sorted((ROOT / "sklearn_metalabel").rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").rglob("plot_*.py"))
INVENTORIES = sorted((DOCS / "inventories").glob("*.inv"))
# What the column of a page shows without scrolling sideways.
WIDTH = 84


def extension(name):
    """A module of docs/_ext."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_lines(text):
    """Lines of the code blocks of reStructuredText: doctests with their output, and what follows a double colon."""
    doctest, block = False, None
    for line in text.splitlines():
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        doctest = bool(stripped) and (doctest or stripped.startswith(">>>"))
        if block is not None and stripped and indent <= block:
            block = None
        if doctest or (block is not None and not stripped.startswith(":")):
            yield stripped if doctest else line[(block or 0) + 3 :]
        if block is None and (re.search(r"(^|[^:])::$", stripped) or ".. code-block::" in stripped):
            block = indent if not stripped.startswith("..") or "code-block" in stripped else None


def docstrings(path):
    """All docstrings of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds)]


def example_lines(path):
    """Code of a script of the gallery, without the text between it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = path.read_text(encoding="utf-8").splitlines()[tree.body[0].end_lineno :]
    return [line for line in lines if not line.startswith("#")]


def too_wide(lines):
    return [line for line in lines if len(line) > WIDTH]


def test_code_lines_are_found():
    text = "Text::\n\n    x = 1\n\nMore.\n\n.. code-block:: python\n\n   y = 2\n\n>>> z\n3\n\n.. toctree::\n\n   page\n"

    assert [line.strip() for line in code_lines(text) if line.strip()] == ["x = 1", "y = 2", ">>> z", "3"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_code_of_a_page_fits_its_column(path):
    assert not too_wide(code_lines(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_code_of_docstrings_fits_the_column(path):
    assert not [line for text in docstrings(path) for line in too_wide(code_lines(text))]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_code_of_an_example_fits_the_column(path):
    assert not too_wide(example_lines(path))


def test_every_page_of_the_guide_is_listed_with_a_sentence():
    listed = [page for pages in extension("llms").guide_pages().values() for page, _ in pages]
    index = (DOCS / "user_guide" / "index.rst").read_text(encoding="utf-8")
    in_trees = [f"user_guide/{name}" for name in re.findall(r"^   (\w+)$", index, flags=re.MULTILINE)]
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES if path.parent.name == "user_guide"}

    assert listed == in_trees
    assert set(listed) == pages - {"user_guide/index"}
    assert len(listed) == len(set(listed))


def test_terms_of_the_glossary_are_linked_where_they_help():
    glossary = (DOCS / "user_guide" / "glossary.rst").read_text(encoding="utf-8")
    terms = re.findall(r"^   ([\w-].*)$", glossary, flags=re.MULTILINE)
    linked = [re.findall(r":term:`(?:[^`<]+<)?([^`<>]+)>?`", path.read_text(encoding="utf-8")) for path in PAGES]

    assert len(terms) > 20
    assert {term for page in linked for term in page} == set(terms)
    assert not [page for page in linked if len(page) > len(set(page))]  # once on a page


def test_the_map_for_language_models_names_pages_that_exist():
    text = extension("llms").as_text()
    links = re.findall(r"\]\((.*?)\.html\): \S", text)

    assert text.startswith("# sklearn-metalabel\n\n> ")
    assert len(links) == len(re.findall(r"^- ", text, flags=re.MULTILINE)) > 20
    # The gallery's first page is made by a build.
    assert all((DOCS / f"{page}.rst").exists() for page in links if not page.startswith("auto_examples/"))


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.stem)
def test_names_of_other_libraries_exist(path):
    header, *lines = path.read_text(encoding="utf-8").splitlines()

    assert header == "# Sphinx inventory version 1"
    for name, kind, page in (line.split() for line in lines[2:]):
        pytest.importorskip(name.partition(".")[0])
        assert isinstance(resolve_name(name), type) == (kind == "class"), name
        assert page.endswith(".html")


def test_names_of_other_libraries_are_used():
    text = "".join(path.read_text(encoding="utf-8") for path in (*PAGES, *MODULES, *EXAMPLES))
    names = [line.split()[0] for path in INVENTORIES for line in path.read_text(encoding="utf-8").splitlines()[3:]]

    assert not [name for name in names if name not in text and f"`{name.rpartition('.')[2]}" not in text]


def test_names_in_prose_lead_to_the_api():
    links = extension("link_names")
    known, own = links.known_names()

    def target(text):
        return links.target_of(text, known, own)

    assert target("PolicySearch(n_folds=2)") == "sklearn_metalabel.policies.PolicySearch"
    assert target("MetaPolicyClassifier.from_paper") == "sklearn_metalabel.MetaPolicyClassifier.from_paper"
    assert target("GridSearchCV") == "sklearn.model_selection.GridSearchCV"
    assert target("sklearn_metalabel.nn") == "sklearn_metalabel.nn"
    assert target("clf.weights_") is None
    assert target("the GridSearchCV") is None


def test_rows_and_columns_of_results_are_chosen_by_name():
    select = extension("results").select
    rows = [{"method": "a", "x": "1", "y": "2"}, {"method": "b", "x": "3", "y": "4"}]

    assert select(rows, None, "method", []) == [["method", "x", "y"], ["a", "1", "2"], ["b", "3", "4"]]
    assert select(rows, ["y"], "method", ["b"]) == [["y"], ["4"]]
    with pytest.raises(ValueError, match="not every one of"):
        select(rows, ["y"], "method", ["a", "c"])


def test_changes_become_headings_lists_and_tables():
    text = extension("changes").as_rst(
        "# Changes\n\n## 0.1.0\n\n- One.\n\n### Names\n\n| a | b |\n| --- | --- |\n| c | d |\n"
    )
    table = ".. list-table::\n   :header-rows: 1\n\n   * - a\n     - b\n   * - c\n     - d\n"

    assert text == f"\n0.1.0\n-----\n\n- One.\n\nNames\n~~~~~\n\n{table}"

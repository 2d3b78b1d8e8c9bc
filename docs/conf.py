"""Configuration of the documentation: `sphinx-build -W --keep-going docs docs/_build/html`, no network needed."""

import inspect
import os
import re
import sys
import tomllib
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import sklearn_metalabel

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
# Where the source is read; without it, API pages have no links to it.
SOURCE = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {}).get("Source")

project = "sklearn-metalabel"
author = "The sklearn-metalabel developers"
project_copyright = f"2026, {author}"
version = release = sklearn_metalabel.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.extlinks",
    "sphinx.ext.intersphinx",
    *(["sphinx.ext.linkcode"] if SOURCE else []),
    "changes",
    "link_names",
    "llms",
    "mathml",
    "results",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst", "**sg_execution_times.rst"]
default_role = "literal"
extlinks = {"doi": ("https://doi.org/%s", "doi:%s"), "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}
nitpicky = True

# Plain-text lists of the names that the guide uses, kept with it: a build needs no network.
PAGES = {
    "joblib": "https://joblib.readthedocs.io/en/stable/",
    "matplotlib": "https://matplotlib.org/stable/",
    "networkx": "https://networkx.org/documentation/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "scikit-learn": "https://scikit-learn.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
intersphinx_mapping = {name: (url, str(ROOT / "docs" / "inventories" / f"{name}.inv")) for name, url in PAGES.items()}
intersphinx_disabled_reftypes = ["std:doc"]

# Names of scikit-multilearn, which the page about it speaks of.
link_names_ignore = {"BinaryRelevance", "IterativeStratification", "LabelPowerset", "MLkNN"}

autosummary_generate = True
autodoc_typehints = "none"
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_.*\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "show_memory": False,
    "download_all_examples": False,
    "doc_module": ("sklearn_metalabel",),
    "backreferences_dir": "api/examples",
    "default_thumb_file": None,
    "nested_sections": False,
}
plot_html_show_formats = plot_html_show_source_link = False
plot_formats = [("png", 120)]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["metalabel.css", "narrow.css"]
html_search_scorer = str(Path(__file__).with_name("search_scorer.js"))
html_math_renderer = "mathml"
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "quickstart": [], "api": ["sidebar-api"], "api/**": ["sidebar-api"]}
# The sidebar of the API names its sections alone: the page has all names.
html_context = {
    "default_mode": "auto",
    "api_sections": [
        (title, title.lower().replace(" ", "-"))
        for title in re.findall(r"^(.+)\n-+$", (ROOT / "docs" / "api.rst").read_text(), flags=re.MULTILINE)
    ],
}

os.environ.setdefault("MPLBACKEND", "agg")


def linkcode_resolve(domain, info):
    """The lines of a class or function in the repository."""
    try:
        thing = inspect.unwrap(attrgetter(info["fullname"])(import_module(info["module"])))
        path = Path(inspect.getsourcefile(thing)).relative_to(ROOT)
        lines, first = inspect.getsourcelines(thing)
    except (AttributeError, TypeError, ValueError, OSError):
        return None  # a property, or inherited from another library
    return f"{SOURCE}/blob/main/{path}#L{first}-L{first + len(lines) - 1}"

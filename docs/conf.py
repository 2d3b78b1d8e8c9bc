"""Configuration of the documentation: `sphinx-build -W --keep-going docs docs/_build/html`, no network needed."""

import os
import string
from pathlib import Path

from docutils.parsers.rst.directives.tables import CSVTable

import sklearn_metalabel

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"

project = "sklearn-metalabel"
author = "The sklearn-metalabel developers"
project_copyright = f"2026, {author}"
version = release = sklearn_metalabel.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst", "**sg_execution_times.rst"]
default_role = "literal"
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
# Classes of scikit-learn stay plain names: their inventory would have to be fetched.
nitpicky = False

autosummary_generate = True
autodoc_typehints = "none"
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
    "backreferences_dir": None,
    "default_thumb_file": None,
    "nested_sections": False,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["tables.css", "narrow.css"]
html_search_scorer = str(Path(__file__).with_name("search_scorer.js"))
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "quickstart": [], "changes": []}

os.environ.setdefault("MPLBACKEND", "agg")


class ResultsTable(CSVTable):
    """A file of `benchmarks/results` as a table; a cell is plain text, so that "+ ODR" is no list of one item."""

    required_arguments = 1
    optional_arguments = 0
    option_spec = None

    def run(self):
        path = RESULTS / self.arguments[0]
        self.arguments = []
        self.options |= {"file": str(path), "header-rows": 1, "class": ["table-sm"]}
        return super().run()

    def parse_csv_data_into_rows(self, csv_data, dialect, source):
        rows, n_columns = super().parse_csv_data_into_rows(csv_data, dialect, source)
        for *_, text in (cell for row in rows for cell in row):
            for i, line in enumerate(text):
                text[i] = "".join(f"\\{c}" if c in string.punctuation else c for c in line)
        return rows, n_columns


def setup(app):
    app.add_directive("results-table", ResultsTable)

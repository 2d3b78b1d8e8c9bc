"""`CHANGES.md` as a page: headings, lists and literals are all that it has."""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

CHANGES = Path(__file__).parents[2] / "CHANGES.md"


def as_rst(markdown):
    """The same text in reStructuredText, without its title."""
    text = re.sub(r"^# .*\n", "", markdown)
    return re.sub(r"^## (.*)$", lambda m: f"{m[1]}\n{'-' * len(m[1])}", text, flags=re.MULTILINE)


class Changes(SphinxDirective):
    """The whole file."""

    def run(self):
        self.env.note_dependency(str(CHANGES))
        lines = as_rst(CHANGES.read_text(encoding="utf-8")).splitlines()
        parent = nodes.section()
        parent.document = self.state.document
        self.state.nested_parse(StringList(lines, str(CHANGES)), 0, parent, match_titles=True)
        return parent.children


def setup(app):
    """Register the directive."""
    app.add_directive("changes", Changes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

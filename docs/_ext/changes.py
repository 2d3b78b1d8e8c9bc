"""`CHANGES.md` as a page: headings, lists, tables and literals are all that it has."""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

CHANGES = Path(__file__).parents[2] / "CHANGES.md"


def table(match):
    """A table as a list of its rows; the line below the header is no row."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in match[0].splitlines()]
    body = "".join("   * - " + "\n     - ".join(row) + "\n" for row in (rows[0], *rows[2:]))
    return f".. list-table::\n   :header-rows: 1\n\n{body}"


def as_rst(markdown):
    """The same text in reStructuredText, without its title."""
    text = re.sub(r"^# .*\n", "", markdown)
    for mark, line in (("##", "-"), ("###", "~")):
        text = re.sub(rf"^{mark} (.*)$", lambda m, line=line: f"{m[1]}\n{line * len(m[1])}", text, flags=re.MULTILINE)
    return re.sub(r"^(\|.*\n)+", table, text, flags=re.MULTILINE)


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

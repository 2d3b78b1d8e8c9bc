"""Files of `benchmarks/results` as tables and as a picture: the documentation has no figures of its own."""

import csv
import html
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def commas(argument):
    """The parts of an option that are separated by commas outside of quotes."""
    return [part.strip() for part in next(csv.reader([argument], skipinitialspace=True))]


def read_results(name):
    """Rows of a file of results, as dicts."""
    with (RESULTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def select(rows, columns, by, values):
    """The header and the rows of a table: `columns` alone, and rows with one of `values` in their column `by`."""
    if values and set(values) - {row[by] for row in rows}:
        raise ValueError(f"not every one of {values} stands in its column {by!r}")
    kept = [row for row in rows if not values or row[by] in values]
    return [columns or list(rows[0]), *([row[column] for column in columns or row] for row in kept)]


def row_of(cells):
    """A row of plain text."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text, text, results=True)) for text in cells))


class ResultsTable(Directive):
    """A file of results as a table of plain text.

    `columns` names those to show, and `rows` the values of the column `by` to keep.
    """

    required_arguments = 1
    option_spec = {"columns": commas, "rows": commas, "by": directives.unchanged}

    def run(self):
        name, options = self.arguments[0], self.options
        self.state.document.settings.record_dependencies.add(str(RESULTS / name))
        try:
            table = select(read_results(name), options.get("columns"), options.get("by"), options.get("rows", []))
        except (KeyError, OSError, ValueError) as error:
            raise self.error(f"{name}: {error}") from error
        header, *body = table
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in header), cols=len(header))
        group += nodes.thead("", row_of(header))
        group += nodes.tbody("", *map(row_of, body))
        return [nodes.table("", group, classes=["table-sm", "colwidths-auto"])]


class ResultsPicture(Directive):
    """Two columns of a file of results as dots on a line, a row each, sorted by what is gained between them."""

    required_arguments = 1
    option_spec = dict.fromkeys(
        ("name", "before", "before_is", "after", "after_is", "title"), directives.unchanged_required
    )

    def run(self):
        self.state.document.settings.record_dependencies.add(str(RESULTS / self.arguments[0]))
        name, before, after = (self.options[key] for key in ("name", "before", "after"))
        rows = [(row[name], float(row[before]), float(row[after])) for row in read_results(self.arguments[0])]
        rows.sort(key=lambda row: row[1] - row[2])
        end = max(max(row[1:]) for row in rows)
        body = "".join(self._row(*row, end) for row in rows)
        key = "".join(
            f'<i class="{kind}"></i> {html.escape(self.options[kind + "_is"])} ' for kind in ("before", "after")
        )
        title = f"<figcaption>{html.escape(self.options['title'])}<br>{key}</figcaption>"
        return [nodes.raw("", f'<figure class="gains">{title}{body}</figure>', format="html")]

    @staticmethod
    def _row(name, before, after, end):
        """A name, its two dots, and its two figures."""
        low, high = sorted((before, after))
        style = f"left: {100 * low / end:.1f}%; width: {100 * (high - low) / end:.1f}%"
        dots = "".join(
            f'<i class="{kind}" style="left: {100 * x / end:.1f}%"></i>'
            for kind, x in (("before", before), ("after", after))
        )
        return (
            f'<div class="gain"><span>{html.escape(name)}</span>'
            f'<div class="track"><b style="{style}"></b>{dots}</div>'
            f"<span>{before:.3f} → {after:.3f}</span></div>\n"
        )


def setup(app):
    """Register both directives."""
    app.add_directive("results-table", ResultsTable)
    app.add_directive("results-picture", ResultsPicture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""`llms.txt`: a short map of the guide for language models, from the lists of the guide itself."""

import re
from pathlib import Path

import sklearn_metalabel

DOCS = Path(__file__).parents[1]
ENTRY = re.compile(r"^- :doc:`([^`]+)`: (.*(?:\n  .*)*)", flags=re.MULTILINE)
HEADING = re.compile(r"^(.+)\n-+\n", flags=re.MULTILINE)
ALSO = {
    "quickstart": "From installation to scores, a picture and a report.",
    "auto_examples/index": "Scripts that run in seconds, in reading order.",
    "api": "Every public class and function.",
}


def page_name(entry):
    """The name of a page as Sphinx has it, for an entry of the guide's lists."""
    return entry[1:] if entry.startswith("/") else f"user_guide/{entry}"


def page_title(page):
    """The title of a page."""
    lines = (DOCS / f"{page}.rst").read_text(encoding="utf-8").splitlines()
    return next(a for a, b in zip(lines, lines[1:], strict=False) if b and set(b) == {"="}).replace("``", "")


def guide_pages():
    """The lists of the guide: pairs of a page and a sentence, by heading."""
    _, *parts = HEADING.split((DOCS / "user_guide" / "index.rst").read_text(encoding="utf-8"))
    return {
        heading: [(page_name(page), " ".join(text.split())) for page, text in ENTRY.findall(body)]
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


def as_text():
    """The contents of the file."""
    lines = ["# sklearn-metalabel", "", f"> {sklearn_metalabel.__doc__.splitlines()[0]}", ""]
    lines += [f"- [{page.partition('/')[0]}]({page}.html): {text}" for page, text in ALSO.items()]
    for heading, pages in guide_pages().items():
        lines += ["", f"## {heading}", ""]
        lines += [f"- [{page_title(page)}]({page}.html): {text}" for page, text in pages]
    return "\n".join(lines).replace("`", "") + "\n"


def write(app, error):
    """Write the file into a finished build."""
    if error is None and app.builder.format == "html":
        Path(app.outdir, "llms.txt").write_text(as_text(), encoding="utf-8")


def setup(app):
    """Write the file at the end of a build."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

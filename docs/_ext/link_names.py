"""Names of classes and functions in prose become links, and a name that leads nowhere is a warning.

Known are the public names of the package and those of the inventories in `docs/inventories`, which are lists of what
the guide speaks of in other libraries: plain text, so that no build needs a network.
"""

import builtins
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

import sklearn_metalabel

INVENTORIES = Path(__file__).parents[1] / "inventories"
# A name, with dots or without, and what it may be called with.
NAME = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(\(.*\))?", flags=re.DOTALL)
CAMEL = re.compile(r"\b[A-Z]+[a-z0-9]+(?:[A-Z]+[a-z0-9]*)+\b")
# Literals that are links already, or stand where no link belongs.
ELSEWHERE = (
    nodes.reference,
    nodes.title,
    nodes.term,
    nodes.literal_block,
    addnodes.pending_xref,
    addnodes.desc_signature,
)
logger = logging.getLogger(__name__)


def rooms():
    """The package and its public folders."""
    names = [m.name for m in pkgutil.iter_modules(sklearn_metalabel.__path__) if m.ispkg and m.name != "utils"]
    return [sklearn_metalabel, *(importlib.import_module(f"sklearn_metalabel.{name}") for name in names)]


def own_names():
    """Pairs of a public class or function and its full name."""
    for module in rooms():
        yield from ((name, f"{module.__name__}.{name}") for name in module.__all__ if not name.startswith("_"))


def foreign_names():
    """Full names of the inventories, by their last part."""
    for path in sorted(INVENTORIES.glob("*.inv")):
        for line in path.read_text(encoding="utf-8").splitlines()[3:]:
            full = line.split()[0]
            yield full.rpartition(".")[2], full


def known_names():
    """Full names by what they may be called in prose: a name of ours wins."""
    own = dict(own_names())
    known = dict(foreign_names()) | own
    full = [*known.values(), *(module.__name__ for module in rooms() if module is not sklearn_metalabel)]
    return known | {name: name for name in full}, set(own.values())


def target_of(text, known, own):
    """The full name that a literal is about, or None."""
    match = NAME.fullmatch(text)
    if match is None:
        return None
    name = match[1]
    if name in known:
        return known[name]
    head, _, method = name.rpartition(".")
    if known.get(head) not in own:
        return None
    module, _, thing = known[head].rpartition(".")
    member = getattr(getattr(importlib.import_module(module), thing), method, None)
    ours = (getattr(member, "__module__", None) or "").startswith("sklearn_metalabel")
    return f"{known[head]}.{method}" if ours and inspect.isroutine(member) else known[head]


class LinkNames(SphinxTransform):
    """Make links of names in literals; warn of a class that is not known, or written without backticks."""

    default_priority = 500

    def apply(self, **kwargs):
        known, own = known_names()
        page = self.env.docname
        for literal in list(self.document.findall(nodes.literal)):
            text = literal.astext()
            target = target_of(text, known, own)
            if isinstance(literal.parent, ELSEWHERE) or page.endswith(f"/{target}"):
                continue
            if target is None:
                self._warn_of_strangers(literal, text)
                continue
            link = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refwarn=True, refdoc=page
            )
            link.source, link.line = literal.source, literal.line
            literal["classes"] += ["xref", "py", "py-obj"]
            literal.replace_self(link)
            link += literal
        self._warn_of_bare_names({full.rpartition(".")[2] for full in own})

    def _warn_of_strangers(self, literal, text):
        match = NAME.fullmatch(text)
        name = match[1] if match else ""
        if CAMEL.fullmatch(name) and not hasattr(builtins, name) and name not in self.config.link_names_ignore:
            logger.warning(
                "no link for %s: name it in docs/inventories or in link_names_ignore", name, location=literal
            )

    def _warn_of_bare_names(self, names):
        for paragraph in self.document.findall(nodes.paragraph):
            for text in paragraph.findall(nodes.Text):
                plain = isinstance(text.parent, (nodes.paragraph, nodes.strong, nodes.emphasis))
                for name in CAMEL.findall(text.astext()) if plain and not paragraph.get("results") else ():
                    if name in names:
                        logger.warning("%s needs backticks to become a link", name, location=paragraph)


def setup(app):
    """Register the transform."""
    app.add_config_value("link_names_ignore", (), "env", (list, tuple, set, frozenset))
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

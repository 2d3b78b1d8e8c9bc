"""Formulas as MathML, which browsers draw themselves: no script, no font and no network.

docutils translates; what it does not know is a warning.
"""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

# docutils reads 12 as one number where TeX reads two arguments.
UNBRACED = re.compile(r"\\[td]?frac\s*\d\d")
logger = logging.getLogger(__name__)


def translate(node, *, block):
    """MathML of a formula."""
    tex = node.astext()
    if UNBRACED.search(tex):
        logger.warning("put braces around the arguments of the fraction in %r", tex, location=node)
    try:
        return tex2mathml(tex, as_block=block)
    except MathError as error:
        logger.warning("docutils cannot translate %r: %s", tex, error, location=node)
        return tex


def inline(translator, node):
    """Write a formula into a sentence."""
    translator.body.append(translate(node, block=False))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula of its own."""
    translator.body.append(f'<div class="math-block">{translate(node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Make this the way formulas are written in HTML."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Formulas as MathML, which browsers draw themselves: no script, no font, no network.

A Sphinx extension. A formula that cannot be converted, or of which a command is left as
it was written, is a warning, and so ends a build with ``-W``.
"""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

#: Commands of LaTeX that latex2mathml leaves as they are.
SPELLED_OUT = {r"\arg": r"\operatorname{arg}"}
MONOSPACE = 'mathvariant="normal" style="font-family: monospace"'
LOGGER = logging.getLogger(__name__)


def to_mathml(latex, display, node):
    """Return a ``<math>`` element."""
    for command, meaning in SPELLED_OUT.items():
        latex = re.sub(rf"{re.escape(command)}\b", lambda _, text=meaning: text, latex)
    try:
        mathml = convert(latex, display=display)
    except Exception as error:
        LOGGER.warning("formula %r: %s", latex, error, location=node)
        return ""
    # Browsers know no monospaced letters but those of a font.
    mathml = mathml.replace('mathvariant="monospace"', MONOSPACE)
    # What is not known stays in the text with its backslash, such as \foo.
    if raw := re.findall(r">([^<]*\\[^<]*)<", mathml):
        LOGGER.warning("formula %r: %s is left raw", latex, raw, location=node)
    return mathml


def inline(writer, node):
    """Write a formula within a sentence."""
    writer.body.append(to_mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def block(writer, node):
    """Write a formula on lines of its own."""
    writer.body.append(writer.starttag(node, "div", CLASS="formula"))
    writer.body.append(f"{to_mathml(node.astext(), 'block', node)}</div>")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer, under the name that ``html_math_renderer`` asks for."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Fail if a page loads a script, a style, a font or a picture from another host.

A Sphinx extension: the pages are to be read without a network, and nobody is to learn
who reads them.
"""

import re
from pathlib import Path

from sphinx.errors import ExtensionError

LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc="(https?:)?//[^"]*"
    |<link[^>]*\srel="(?:stylesheet|preload|icon)"[^>]*\shref="(https?:)?//[^"]*"
    |<link[^>]*\shref="(https?:)?//[^"]*"[^>]*\srel="(?:stylesheet|preload|icon)\"""",
    re.VERBOSE,
)


def check(app, exception):
    """Look at every page that was written."""
    if exception is not None or app.builder.format != "html":
        return
    found = {
        f"{page.relative_to(app.outdir)}: {match.group()}"
        for page in Path(app.outdir).rglob("*.html")
        for match in LOADED.finditer(page.read_text())
    }
    if found:
        raise ExtensionError("Loaded from another host: " + "; ".join(sorted(found)))


def setup(app):
    """Register the check."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

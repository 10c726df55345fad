"""Link the first mention of a scikit-learn class on each page to its documentation.

A Sphinx extension. The pages write names such as ``Ridge`` in plain double backquotes,
which are short and read well in the source.
"""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.ext.intersphinx import InventoryAdapter

#: Where a link would be within another one, or in the way.
WITHOUT_LINKS = (nodes.title, nodes.reference, nodes.rubric, pending_xref)


def classes_of_sklearn(env):
    """Return the full name of each class in the inventory, by its last component."""
    inventory = InventoryAdapter(env).named_inventory.get("sklearn", {})
    names = sorted(inventory.get("py:class", ()), key=len, reverse=True)
    return {name.rpartition(".")[2]: name for name in names}


def is_within(node, kinds):
    """Whether a node lies in one of some kinds."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def link_first_mentions(app, doctree):
    """Wrap the first literal of each name."""
    full_names = classes_of_sklearn(app.env)
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        if name not in full_names or is_within(literal, WITHOUT_LINKS):
            continue
        link = pending_xref(
            "",
            refdomain="py",
            reftype="class",
            reftarget=full_names.pop(name),
            refexplicit=True,
            refdoc=app.env.docname,
        )
        literal.replace_self(link)
        link += literal


def setup(app):
    """Register the step."""
    app.connect("doctree-read", link_first_mentions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

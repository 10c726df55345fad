"""Configuration of the documentation."""

import sys
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS

import skdistill

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the extensions that lie here

from inventories import write_inventories  # noqa: E402 (needs the path above)

project = "skdistill"
author = "The skdistill developers"
copyright = "2026, the skdistill developers"
version = release = skdistill.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "first_mentions",
    "mathml",
    "numpydoc",
    "offline",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
autosummary_generate = True
templates_path = ["_templates"]
numpydoc_show_class_members = False  # the template shows them, with their parameters
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # links only from what is named here
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | {
    "array-like": ":term:`array-like <sklearn:array-like>`",
    "estimator": ":term:`estimator <sklearn:estimator>`",
    "ndarray": "numpy.ndarray",
    "RandomState": "numpy.random.RandomState",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "CSR": "scipy.sparse.csr_array",
    "DatasetDistiller": "skdistill.DatasetDistiller",
    "Student": "skdistill.students.Student",
    "Task": "skdistill.students.Task",
}
toc_object_entries_show_parents = "hide"  # names that fit beside the page
autodoc_typehints = "none"  # the docstrings say the types, in words
exclude_patterns = ["_build", "_templates"]
intersphinx_mapping = write_inventories(HERE / "_build" / "inventories")

html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["skdistill.css"]
html_theme = "pydata_sphinx_theme"
html_title = "skdistill"
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 4,
    "show_toc_level": 2,
    "navigation_with_keys": False,
}
# Pages without neighbors, beside which the navigation of a section would be empty.
ALONE = ("index", "getting_started", "choosing", "pitfalls", "whats_new")
html_sidebars = dict.fromkeys(ALONE, [])

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skdistill",),
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "write_computation_times": False,  # pages that load their scripts from elsewhere
}

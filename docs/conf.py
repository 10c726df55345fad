"""Configuration of the documentation."""

import skdistill

project = "skdistill"
author = "The skdistill developers"
copyright = "2026, the skdistill developers"
version = release = skdistill.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
autosummary_generate = True
numpydoc_show_class_members = True
numpydoc_show_inherited_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"  # the docstrings say the types, in words
exclude_patterns = ["_build"]

html_theme = "pydata_sphinx_theme"
html_title = "skdistill"
html_show_sourcelink = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
}

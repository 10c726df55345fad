"""Configuration of the documentation."""

import sys
from pathlib import Path

import skdistill

sys.path.insert(0, str(Path(__file__).parent))  # mathml.py and offline.py

project = "skdistill"
author = "The skdistill developers"
copyright = "2026, the skdistill developers"
version = release = skdistill.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "numpydoc",
    "offline",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
autosummary_generate = True
numpydoc_show_class_members = True
numpydoc_show_inherited_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"  # the docstrings say the types, in words
exclude_patterns = ["_build"]

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
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "show_memory": False,
    "write_computation_times": False,  # pages that load their scripts from elsewhere
}

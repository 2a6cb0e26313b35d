"""How Sphinx builds the documentation; `scripts/docs` runs it."""

import sys
from pathlib import Path

import brainage

# For gallery_figures.py beside this file.
sys.path.insert(0, str(Path(__file__).parent))
project = "brainage"
author = "The brainage developers"
release = version = brainage.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "gallery"]
html_theme = "furo"
html_title = f"brainage {release}"
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
# A docstring's types are words ("ndarray of shape (p,)"), not links.
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Papers are cited in several docstrings of one page.
suppress_warnings = ["ref.footnote", "ref.citation"]
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "image_scrapers": ("gallery_figures.figures_of_block",),
    "reset_modules": (),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
}

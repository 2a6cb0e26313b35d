"""How Sphinx builds the documentation; `scripts/docs` runs it."""

import brainage

project = "brainage"
author = "The brainage developers"
release = version = brainage.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
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

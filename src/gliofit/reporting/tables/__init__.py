"""Tables: tidy CSV first; markdown, LaTeX and HTML are made from it."""

"""One verb per file; the only place where the wings meet. Options go in; files and plain words come out."""

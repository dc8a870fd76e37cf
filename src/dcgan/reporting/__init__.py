"""A run in pictures: a run folder enters; a page, a plot and a film leave."""

"""Documents to a searchable generation on disk. Imports no sibling package."""

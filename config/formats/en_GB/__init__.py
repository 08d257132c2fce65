"""English: to the second, and so that they sort."""

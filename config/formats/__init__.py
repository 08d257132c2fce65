"""How dates and times are written in the web admin."""

"""`make bench`: what a trip and an event cost, measured on the real processes, in one run, side by side."""

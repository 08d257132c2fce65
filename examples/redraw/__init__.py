"""Redraw: a flow that wants to span two contexts, and the boundary drawn anew."""

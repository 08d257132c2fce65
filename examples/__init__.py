"""Examples: what the rule is measured against and learned from; the product imports nothing of it."""

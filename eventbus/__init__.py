"""Event bus: carries events between contexts and knows nobody. Machine room."""

"""The frame of the web admin: pages to look at, deeds with a reason, who did what. Knows nobody."""

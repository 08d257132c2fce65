"""Gateways: how Payments speaks to a card processor. The protocol, and one file per processor."""

"""Gateways: how Providers speaks to partners. The protocol, and one file per kind of interface."""

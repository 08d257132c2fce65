"""A stand-in travel partner network and card processor, spoken to over real HTTP, with a ledger of its own."""

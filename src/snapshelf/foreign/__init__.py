"""Models that were trained elsewhere, brought into the form that the store's own have."""

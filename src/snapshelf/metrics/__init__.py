"""Numbers that say how well a model does, each with its source."""

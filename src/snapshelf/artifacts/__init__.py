"""The store folder: where artefacts lie, the cards that say what they are, and how they are put there whole."""

"""From a file's bytes to the pixels that a model sees: the same for training, serving and export."""

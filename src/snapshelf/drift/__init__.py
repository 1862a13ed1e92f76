"""Whether customers' photos are still like those that a model was measured on."""

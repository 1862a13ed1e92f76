"""From prepared photos to a model file. The only home of torch and timm."""

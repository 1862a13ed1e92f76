"""From a source of photos to a data set that was checked, split and prepared."""

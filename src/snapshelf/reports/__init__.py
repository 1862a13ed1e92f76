"""Reports for people: one self-contained HTML file each, without scripts, that can be mailed as it is."""

"""The page and the JSON API over HTTP."""

"""What stands before every request: bounds on its size, its pace, its client's rate and on how many there are."""

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""The methods of requests that bring something."""

"""Which products are bought together: counted in orders, scored, checked on orders that were not looked at."""

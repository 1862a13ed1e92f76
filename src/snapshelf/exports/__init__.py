"""A model of the store in the forms that phones and other engines take."""

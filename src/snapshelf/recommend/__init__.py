"""The query side: a customer's photo, examples and words → what it was taken for, and products to buy, with reasons."""

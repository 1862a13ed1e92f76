"""What stands before every request: bounds on its size, its pace, its client's rate and on how many there are."""

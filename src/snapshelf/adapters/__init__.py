"""The engines behind the ports, one file each."""

"""The door, without a web framework around it."""

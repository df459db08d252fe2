"""Everything that reads bytes from outside, under bytes that nobody sane would send."""

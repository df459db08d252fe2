"""The tests of Hydrant, with real parts: databases, processes and captured requests."""

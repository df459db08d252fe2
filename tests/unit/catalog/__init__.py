"""Identity, units, registries and natural statistics."""

"""Hydrant: CloudWatch metric streams from Amazon Data Firehose, as exact numbers in SQL.

The packages below read in one direction, from the HTTP door to the query API;
the list and its order are in the import-linter contracts of pyproject.toml.
"""

__version__ = "0.1.0"

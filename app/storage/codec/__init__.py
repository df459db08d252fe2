"""The native codec of columns: compiled from Cython when Hydrant is installed, where possible.

Its module is imported through ``app.storage.array_codec``, which knows what to do without it.
"""

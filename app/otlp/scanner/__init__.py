"""The native decoder: compiled from Cython when Hydrant is installed, where that is possible.

Its modules are imported through ``app.otlp.decoder``, which knows what to do without them.
"""

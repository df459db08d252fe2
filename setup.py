"""Builds the native scanner and codec where that is possible; without them the references run.

It takes Cython, a C compiler with 128-bit integers, Python's headers and a little-endian machine.
What lacks leaves the extension out and does not fail the installation. Everything else about the
package is told in pyproject.toml.
"""

import sys

from setuptools import setup

_MODULES = ("table", "news", "sink", "protobuf", "json_lines")

try:
    from Cython.Build import cythonize
    from setuptools import Extension
except ImportError:
    extensions = []
else:
    extensions = [
        Extension(
            f"app.otlp.scanner.{module}",
            [f"app/otlp/scanner/{module}.pyx"],
            depends=["app/otlp/scanner/keyed_hash.h"],
            include_dirs=["app/otlp/scanner"],
            extra_compile_args=["-O3"],
        )
        for module in _MODULES
    ]
    extensions += [
        Extension(
            f"app.storage.codec.{module}",
            [f"app/storage/codec/{module}.pyx"],
            # Doubles are rounded where the reference rounds them, and looked at as integers.
            extra_compile_args=["-O3", "-ffp-contract=off", "-fno-strict-aliasing"],
        )
        for module in ("encoding", "decoding")
    ]
if sys.byteorder == "little" and sys.platform != "win32" and extensions:
    # Generated C goes to build/, beside the objects.
    compiled = cythonize(extensions, build_dir="build/cython", quiet=True)
    for extension in compiled:
        # Not in its constructor: what Cython returns has forgotten it.
        extension.optional = True
    setup(ext_modules=compiled)
else:
    setup()

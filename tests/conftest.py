"""Makes the fixture modules known to every test."""

import gc

from hypothesis import settings

# Collecting makes millions of objects that stay: there is nothing to find among them.
gc.disable()

# How long an example takes says something about the machine and nothing about what is tested.
settings.register_profile("hydrant", deadline=None)
settings.load_profile("hydrant")

pytest_plugins = [
    "tests.fixtures.postgresql",
    "tests.fixtures.databases",
    "tests.fixtures.s3",
    "tests.fixtures.server",
    "tests.fixtures.cloudwatch",
    "tests.fixtures.shop",
    "tests.fixtures.dynamodb_account",
    "tests.fixtures.browser",
]


def pytest_collection_finish() -> None:
    """Spare the tests the search for cycles among all tests, modules and syntax trees.

    It takes a fifth of a second each time, and a test that makes a server's objects has several.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()

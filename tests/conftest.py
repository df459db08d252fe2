"""Makes the fixture modules known to every test."""

from hypothesis import settings

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

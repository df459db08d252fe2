"""Makes the fixture modules known to every test."""

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

"""``hydrant alarms``: what can be done about alarms without a browser."""

import typer

from app.commands.alarms.check import check
from app.commands.alarms.replay import replay
from app.commands.alarms.send_test import send_test
from app.commands.alarms.tests import run_tests

application = typer.Typer(help="Work with alarms.", no_args_is_help=True)
application.command()(check)
application.command("test")(run_tests)
application.command("send-test")(send_test)
application.command()(replay)

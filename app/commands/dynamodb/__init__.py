"""``hydrant dynamodb``: what the metrics of DynamoDB say; a module for each insight."""

import typer

from app.commands.dynamodb.account import account
from app.commands.dynamodb.cost import cost
from app.commands.dynamodb.latency import latency
from app.commands.dynamodb.limits import limits
from app.commands.dynamodb.report import report
from app.commands.dynamodb.stream_cost import stream_costs
from app.commands.dynamodb.throttling import throttling
from app.commands.dynamodb.top import top
from app.commands.dynamodb.utilization import utilization

application = typer.Typer(help="Ask what DynamoDB's metrics say.", no_args_is_help=True)


@application.callback()
def of_all_dynamodb_commands() -> None:
    """Ask what DynamoDB's metrics say."""


application.command()(report)
application.command()(account)
application.command()(top)
application.command()(latency)
application.command()(utilization)
application.command()(throttling)
application.command()(limits)
application.command()(cost)
application.command("stream-cost")(stream_costs)

"""``hydrant alarms send-test``: a test through a real channel, and what came back."""

from typing import Annotated

import typer

from app.commands.options import SettingsFile

Channel = Annotated[str, typer.Argument(help="Name of a channel in the file of channels")]


def send_test(channel: Channel, settings_file: SettingsFile = None) -> None:
    """Send a test, marked as one, through a channel, and print what its receiver answered."""
    from app.alarms.channels import Surroundings
    from app.alarms.notifications import load_channels, trial_notification
    from app.clock import SystemClock
    from app.errors import ConfigurationError, NotDelivered, NotFound, similar
    from app.settings import load_settings

    settings = load_settings(settings_file)
    if settings.alarm_channels is None:
        raise ConfigurationError(
            "there are no channels: name their file with HYDRANT_ALARM_CHANNELS"
        )
    entries = load_channels(settings.alarm_channels, settings.secrets_directory)
    names = [entry.name for entry in entries]
    found = [entry for entry in entries if entry.name == channel]
    if not found:
        known = ", ".join(names) or "none"
        raise NotFound(
            f"there is no channel {channel!r} in {settings.alarm_channels}"
            f"{similar(channel, names, 1)}; there are {known}"
        )
    clock = SystemClock()
    opened = found[0].entry.open(channel, Surroundings(clock, settings.external_url or ""))
    try:
        receipt = opened.send(trial_notification(channel, clock.now_ms()))
    except NotDelivered as error:
        typer.echo(f"{channel} ({found[0].type}): not delivered: {error}", err=True)
        raise typer.Exit(1) from error
    finally:
        opened.close()
    typer.echo(f"{channel} ({found[0].type}): delivered: {receipt.answer}")
    if receipt.warning:
        typer.echo(f"warning: {receipt.warning}")

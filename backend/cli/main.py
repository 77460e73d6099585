"""The command `frontdesk`. Each command imports what it needs when it runs: `--help` is instant."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.bench_commands import bench_app
from backend.cli.eval_commands import eval_app
from backend.cli.running import run
from backend.config import Settings, load_settings
from backend.core.errors import FrontdeskError
from backend.core.logs import configure_logging

app = typer.Typer(
    name="frontdesk",
    help="A self-hosted voice agent for Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
db_app = typer.Typer(no_args_is_help=True, help="The database.")
pbx_app = typer.Typer(no_args_is_help=True, help="The PBX, ours or yours.")
models_app = typer.Typer(no_args_is_help=True, help="Whisper models and Piper voices.")
parts_app = typer.Typer(no_args_is_help=True, help="System parts: Asterisk, flite, …")
users_app = typer.Typer(no_args_is_help=True, help="Who may sign in, and keys for programs.")
app.add_typer(db_app, name="db")
app.add_typer(pbx_app, name="pbx")
app.add_typer(models_app, name="models")
app.add_typer(parts_app, name="parts")
app.add_typer(users_app, name="users")
app.add_typer(bench_app, name="bench")
app.add_typer(eval_app, name="eval")


def main() -> None:
    """Run the command; a FrontdeskError becomes its sentence and status 1."""
    # Commands that run for long write a log file of their own instead.
    configure_logging("warning", None)
    try:
        app()
    except FrontdeskError as error:
        typer.echo(f"frontdesk: {error}", err=True)
        sys.exit(1)


def _settings() -> Settings:
    return load_settings()


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option(help="Place the sample call once everything is up.")
    ] = False,
    stop_after_demo: Annotated[
        bool, typer.Option("--stop", help="With --demo: stop when the call has ended.")
    ] = False,
) -> None:
    """Start the PBX and the bot; Ctrl-C stops both."""
    from backend.cli.up import run_up

    run(run_up(_settings(), demo=demo, stop_after_demo=stop_after_demo))


@app.command(hidden=True)
def serve(
    ready_fd: Annotated[int, typer.Option(help="Where to tell the supervisor.")] = -1,
) -> None:
    """Run the bot alone: what `up` starts and watches."""
    from backend.cli.serve import run_serve

    run(run_serve(_settings(), ready_fd if ready_fd >= 0 else None))


@app.command()
def call(
    extension: Annotated[str, typer.Argument(help="Extension, or a whole sip: address.")] = "200",
    say: Annotated[list[str] | None, typer.Option(help="Speak this (repeatable).")] = None,
    wav: Annotated[list[Path] | None, typer.Option(help="Play this WAV file.")] = None,
    dtmf: Annotated[list[str] | None, typer.Option(help="Press these keys.")] = None,
    voice: Annotated[str, typer.Option(help="flite voice of the caller.")] = "rms",
    out: Annotated[Path | None, typer.Option(help="Stereo WAV: caller left, bot right.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    barge_in: Annotated[
        float | None,
        typer.Option(min=0, help="Speak this many seconds into the bot's speech, not after it."),
    ] = None,
    noise_db: Annotated[
        float | None, typer.Option(help="Line noise, this many decibels under the voice.")
    ] = None,
    echo_db: Annotated[
        float | None,
        typer.Option(help="Send back what is heard, e.g. -20 for 20 dB quieter.", max=0),
    ] = None,
) -> None:
    """Call the bot with a real SIP phone. Steps are performed in the order given.

    "one zero [600 ms] zero four" is said with that pause in it.
    """
    from backend.cli.call import barging_in, in_command_line_order, run_call

    steps = in_command_line_order(sys.argv[1:], say or [], wav or [], dtmf or [])
    if barge_in is not None:
        steps = barging_in(steps, barge_in)
    work = run_call(
        _settings(),
        extension,
        steps,
        voice=voice,
        noise_db=noise_db,
        echo_db=echo_db,
        out=out,
        as_json=as_json,
    )
    run(work)


@app.command()
def chat() -> None:
    """Talk to the agent by typing: no audio, no PBX."""
    from backend.cli.chat import run_chat

    run(run_chat(_settings()))


@app.command()
def doctor() -> None:
    """Check every part and print what to do about it."""
    from backend.cli.doctor import run_doctor

    run(run_doctor(_settings()))


@app.command()
def settings(
    write: Annotated[Path | None, typer.Option(help="Put the table into this file.")] = None,
    check: Annotated[Path | None, typer.Option(help="Fail unless this file is current.")] = None,
) -> None:
    """All settings as a table."""
    from backend.cli import settings_table

    if write is not None:
        settings_table.write(write)
    elif check is not None:
        if not settings_table.is_current(check):
            typer.echo(f"{check} is behind: frontdesk settings --write {check}", err=True)
            raise typer.Exit(1)
    else:
        typer.echo(settings_table.table())


@db_app.command("init")
def db_init(
    empty: Annotated[bool, typer.Option(help="Tables only, no sample data.")] = False,
) -> None:
    """Create the tables and sample data; a database with data is left alone."""
    from backend.db.init import main as init_main

    init_main(["--empty"] if empty else [])


@pbx_app.command("snippet")
def pbx_snippet() -> None:
    """The lines to paste into your own Asterisk or FreePBX."""
    from backend.pbx.render import snippet

    typer.echo(snippet(_settings()))


@pbx_app.command("account")
def pbx_account() -> None:
    """How to register a softphone at the project's own PBX."""
    from backend.cli.account import describe_account

    typer.echo(describe_account(_settings()))


@models_app.command("list")
def models_list() -> None:
    """What there is, and what is here."""
    from backend.cli.models import list_models

    list_models(_settings())


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help="A name from the list, or ollama:NAME.")],
) -> None:
    """Download one, with progress; goes on where it stopped."""
    from backend.cli.models import fetch_model

    fetch_model(_settings(), name)


@parts_app.command("ensure")
def parts_ensure(
    for_tests: Annotated[bool, typer.Option(help="Also what the tests need.")] = False,
) -> None:
    """Fetch what is missing, without starting anything."""
    from backend.cli.parts import ensure_parts

    ensure_parts(_settings(), typer.echo, for_tests=for_tests)


@users_app.command("password")
def users_password(name: Annotated[str, typer.Argument(help="Who.")] = "owner") -> None:
    """Give somebody a new one-time password."""
    from backend.cli.users import new_password

    run(new_password(_settings(), name))


@users_app.command("key")
def users_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[str, typer.Option(help="owner, supervisor or viewer.")] = "viewer",
) -> None:
    """Make an API key for a program; it is shown once."""
    from backend.cli.users import new_key

    run(new_key(_settings(), name, role))

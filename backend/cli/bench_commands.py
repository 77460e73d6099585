"""The commands `frontdesk bench …`. Each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.running import run
from backend.config import load_settings

bench_app = typer.Typer(no_args_is_help=True, help="Measure a running Frontdesk by calling it.")

Extension = Annotated[str, typer.Option(help="100: turn by turn. 200: streaming.")]
Voices = Annotated[str, typer.Option("--voice", help="flite voices, comma-separated.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Keep = Annotated[Path | None, typer.Option(help="Folder for recordings (stereo) and accounts.")]
AtOnce = Annotated[int, typer.Option(min=1, help="How many of them at once.")]


@bench_app.command("answers")
def answers(
    calls: Annotated[int, typer.Option(min=1, help="How many calls.")] = 60,
    at_once: AtOnce = 4,
    voices: Annotated[str, typer.Option(help="flite voices, comma-separated.")] = "slt,awb,rms",
    as_json: AsJson = False,
) -> None:
    """Are the answers right, and how long do callers wait for them?"""
    from backend.cli.bench import run_answers

    run(
        run_answers(
            load_settings(), count=calls, at_once=at_once, voices=_names(voices), as_json=as_json
        )
    )


@bench_app.command("hold")
def hold(
    calls: Annotated[int, typer.Option(min=1, help="How many calls at once.")] = 50,
    hold_s: Annotated[float, typer.Option(min=1, help="Seconds they are all up together.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Hold many talking calls at once; CPU and memory of bot, Asterisk and phone."""
    from backend.cli.bench_hold import run_hold

    run(run_hold(load_settings(), count=calls, hold_s=hold_s, as_json=as_json))


@bench_app.command("latency")
def latency(
    calls: Annotated[int, typer.Option(min=1, help="How many calls.")] = 12,
    turns: Annotated[int, typer.Option(min=1, help="Turns in each.")] = 12,
    at_once: AtOnce = 1,
    extension: Extension = "200",
    voices: Voices = "slt,awb,rms",
    keep: Keep = None,
    seed: Annotated[int, typer.Option(help="Another one asks in another order.")] = 1,
    as_json: AsJson = False,
) -> None:
    """How long callers wait, at their ear, by kind of question; and what it is made of."""
    from backend.cli.bench_latency import run_latency

    run(
        run_latency(
            load_settings(),
            calls=calls,
            turns=turns,
            at_once=at_once,
            extension=extension,
            voices=_names(voices),
            keep=keep,
            seed=seed,
            as_json=as_json,
        )
    )


@bench_app.command("interruptions")
def interruptions(
    calls: Annotated[int, typer.Option(min=1, help="How many calls of each kind.")] = 50,
    at_once: AtOnce = 4,
    extension: Extension = "200",
    voices: Voices = "slt,awb,rms",
    keep: Keep = None,
    seed: Annotated[int, typer.Option(help="Another one coughs at other moments.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Does the bot stop when talked over, and for nothing else? Does it wait out a pause?"""
    from backend.cli.bench_interruptions import run_interruptions

    run(
        run_interruptions(
            load_settings(),
            calls=calls,
            at_once=at_once,
            extension=extension,
            voices=_names(voices),
            keep=keep,
            seed=seed,
            as_json=as_json,
        )
    )


@bench_app.command("capacity")
def capacity(
    extension: Extension = "200",
    idle: Annotated[
        int, typer.Option(min=0, help="Instead: the cost of this many calls that only listen.")
    ] = 0,
    step: Annotated[int, typer.Option(min=1, help="Calls added each time.")] = 10,
    most: Annotated[int, typer.Option(min=1, help="Where the ramp ends in any case.")] = 300,
    hold_s: Annotated[float, typer.Option(min=5, help="Seconds measured at each step.")] = 30,
    voice: Annotated[str, typer.Option(help="flite voice of the callers.")] = "rms",
    store: Annotated[bool, typer.Option(help="FRONTDESK_MAX_CALLS then defaults to it.")] = True,
    as_json: AsJson = False,
) -> None:
    """How many calls, all talking, are answered as well as one; what each costs."""
    if idle:
        from backend.cli.bench_idle import run_idle

        run(
            run_idle(
                load_settings(), calls=idle, extension=extension, hold_s=hold_s, as_json=as_json
            )
        )
        return
    from backend.cli.bench_capacity import run_capacity

    run(
        run_capacity(
            load_settings(),
            extension=extension,
            voice=voice,
            step=step,
            most=most,
            hold_s=hold_s,
            store=store,
            as_json=as_json,
        )
    )


@bench_app.command("dashboards")
def dashboards(
    extension: Extension = "200",
    calls: Annotated[int, typer.Option(min=1, help="How many talking calls.")] = 50,
    count: Annotated[int, typer.Option("--open", min=1, help="How many dashboards.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="How often without, then with them.")] = 3,
    hold_s: Annotated[float, typer.Option(min=5, help="Seconds measured each time.")] = 60,
    think_s: Annotated[
        float, typer.Option(min=0, help="Callers think up to so long before they ask on.")
    ] = 4,
    voice: Annotated[str, typer.Option(help="flite voice of the callers.")] = "rms",
    as_json: AsJson = False,
) -> None:
    """Do open dashboards make callers wait longer?"""
    from backend.cli.bench_dashboards import run_dashboards

    run(
        run_dashboards(
            load_settings(),
            extension=extension,
            calls=calls,
            dashboards=count,
            rounds=rounds,
            hold_s=hold_s,
            think_s=think_s,
            voice=voice,
            as_json=as_json,
        )
    )


@bench_app.command("memory")
def memory(
    calls: Annotated[int, typer.Option(min=1, help="How many calls, one after another.")] = 1000,
    at_once: AtOnce = 5,
    extension: Extension = "200",
    as_json: AsJson = False,
) -> None:
    """Does the bot's memory grow with the calls it has held?"""
    from backend.cli.bench_idle import run_memory

    run(
        run_memory(
            load_settings(), calls=calls, at_once=at_once, extension=extension, as_json=as_json
        )
    )


@bench_app.command("whisper")
def whisper(
    shape: Annotated[str, typer.Option(help="tiny, base or small.")] = "tiny",
    count: Annotated[int, typer.Option("--decodes", min=1, help="How many of each kind.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    duty: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of a call in which the caller speaks.")
    ] = 0.25,
    peeks: Annotated[
        float, typer.Option(min=1.0, max=2.0, help="Decodes a turn: one more for a pause within.")
    ] = 1.5,
    calls: Annotated[
        int | None, typer.Option(min=1, help="Calls of the trial; default as worked out.")
    ] = None,
    trial_s: Annotated[float, typer.Option(min=1, help="How long they talk.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """What Whisper would cost on this machine: random weights in the real shapes, no PBX."""
    from backend.cli.bench_whisper import Load, run_whisper

    load = Load(workers, duty, peeks, calls, trial_s)
    run(run_whisper(load_settings(), shape=shape, count=count, load=load, as_json=as_json))


@bench_app.command("hearing")
def hearing(
    voices: Voices = "slt,awb,rms",
    snr_db: Annotated[float, typer.Option(help="Line noise under the voice.")] = 40.0,
    pause_s: Annotated[float, typer.Option(help="Silence after the last word.")] = 0.1,
    voice_dbfs: Annotated[float, typer.Option(help="How loud callers are.")] = -20.0,
    narrow: Annotated[bool, typer.Option(help="300-3400 Hz only, as old networks.")] = False,
    verbose: Annotated[bool, typer.Option(help="What was heard wrong, or not surely.")] = False,
) -> None:
    """How well the recogniser hears sentences it does not know; needs no running Frontdesk."""
    from backend.cli.bench_hearing import Way, run_hearing

    way = Way(snr_db, pause_s, narrow, voice_dbfs)
    run(run_hearing(load_settings(), voices=_names(voices), way=way, verbose=verbose))


def _names(voices: str) -> tuple[str, ...]:
    return tuple(voice.strip() for voice in voices.split(",") if voice.strip()) or ("slt",)

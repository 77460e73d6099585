"""The commands `frontdesk eval …`. Each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from backend.cli.running import run
from backend.config import load_settings

eval_app = typer.Typer(no_args_is_help=True, help="Measure how well the agent understands.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@eval_app.command("calls")
def calls(
    path: Annotated[
        Path | None, typer.Argument(help="A file, or a folder of them; default: kb/scenarios.")
    ] = None,
    by_phone: Annotated[
        bool,
        typer.Option(
            "--call/--text",
            help="As real SIP calls to a running Frontdesk with the sample data; or as text, in "
            "milliseconds (the default).",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Picks the wording of each step.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Play everything with this many seeds.")] = 1,
    voices: Annotated[
        str, typer.Option("--voice", help="With --call: flite voices, comma-separated.")
    ] = "slt,awb,rms",
    at_once: Annotated[int, typer.Option(min=1, help="With --call: how many at once.")] = 4,
    extension: Annotated[
        str, typer.Option(help="With --call: 200 streams, 100 takes turns.")
    ] = "200",
    as_json: AsJson = False,
) -> None:
    """Play written calls: task success, turns, containment; status 1 when one fails."""
    from backend.cli.eval_calls import SHIPPED, run_eval_calls, run_real_calls

    chosen = range(seed, seed + seeds)
    if by_phone:
        names = [name.strip() for name in voices.split(",") if name.strip()]
        run(
            run_real_calls(
                load_settings(),
                path or SHIPPED,
                seeds=chosen,
                voices=names,
                at_once=at_once,
                extension=extension,
                as_json=as_json,
            )
        )
    else:
        run(run_eval_calls(load_settings(), path or SHIPPED, seeds=chosen, as_json=as_json))


@eval_app.command("slots")
def slots(
    folder: Annotated[
        Path | None, typer.Argument(help="Tables; default: the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How many phrasings of a table are read rightly."""
    from backend.cli.eval_slots import SHIPPED, run_eval_slots

    run_eval_slots(folder or SHIPPED, as_json=as_json)


@eval_app.command("retrieval")
def retrieval(
    questions: Annotated[
        Path | None, typer.Option(help="JSON lines of text, document, answers; default: shipped.")
    ] = None,
    documents: Annotated[
        Path | None, typer.Option(help="Folder of documents; default: three shipped ones.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Sentence model: a name or a folder; default: the one here.")
    ] = "",
    chunks: Annotated[
        int, typer.Option(min=0, help="Fill up to so many passages, to measure the time it takes.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Whether the passage that answers a question is found, by words, by meaning, by both."""
    from backend.cli.eval_retrieval import (
        SHIPPED_DOCUMENTS,
        SHIPPED_QUESTIONS,
        run_eval_retrieval,
    )

    run(
        run_eval_retrieval(
            load_settings(),
            questions or SHIPPED_QUESTIONS,
            documents or SHIPPED_DOCUMENTS,
            model=model,
            chunks=chunks,
            as_json=as_json,
        )
    )


@eval_app.command("intents")
def intents(
    train: Annotated[
        list[Path], typer.Option(help="Lines of JSON with text and intent; may be given twice.")
    ],
    test: Annotated[Path, typer.Option(help="The same, to be told apart.")],
    oos: Annotated[
        Path | None, typer.Option(help="Sentences that are out of scope, to be noticed.")
    ] = None,
    engine: Annotated[
        Literal["ngram", "embedding"],
        typer.Option(help="N-grams alone, or with the embeddings of a sentence model."),
    ] = "ngram",
    shots: Annotated[
        int, typer.Option(min=0, help="Learn from so many examples of each intent; 0: all.")
    ] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --shots: so many different choices of them.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """How well sentences are told apart after learning from others."""
    from backend.cli.eval_intents import Engine, run_eval_intents

    run_eval_intents(
        load_settings(),
        train,
        test,
        oos,
        engine=Engine(engine),
        shots=shots,
        seeds=seeds,
        as_json=as_json,
    )

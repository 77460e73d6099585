"""Every setting, typed and documented, in one place: from the environment, else from `.env`.

Each is `FRONTDESK_` + its name in capitals, everywhere. The table in README.md is generated
from here (`frontdesk settings`).
"""

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.core.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "FRONTDESK_"

Port = Annotated[int, Field(ge=1, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]
CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings. Build with `load_settings`; pass the object to whoever needs it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8", extra="forbid", frozen=True
    )

    # Where things live
    data_dir: Path = Field(ROOT / "var", description="Everything Frontdesk writes is under here.")
    kb_path: Path = Field(ROOT / "kb" / "company_kb.json", description="The knowledge base.")
    documents_path: Path = Field(
        ROOT / "kb" / "documents",
        description="Folder of documents that questions are answered from as well.",
    )
    database_url: str = Field(
        "", description="Any SQLAlchemy URL; empty is SQLite at `<data_dir>/frontdesk.db`."
    )

    # The PBX
    pbx: Literal["own", "external"] = Field(
        "own", description="`own`: Frontdesk starts an Asterisk. `external`: you run one."
    )
    asterisk: str = Field(
        "", description="Asterisk program to use; empty looks on PATH, then unpacks one."
    )
    sip_host: str = Field("127.0.0.1", description="Address the own PBX takes SIP on.")
    sip_port: Port = Field(5160, description="SIP port of the own PBX (UDP).")
    ari_port: Port = Field(8188, description="HTTP port of the PBX: ARI and media.")
    ami_port: Port = Field(5138, description="AMI port of the own PBX, on loopback.")
    rtp_start: Port = Field(20000, description="First RTP port of the own PBX.")
    rtp_end: Port = Field(21999, description="Last RTP port of the own PBX.")
    external_address: str = Field(
        "", description="Public address of the own PBX behind NAT, for a SIP trunk."
    )
    human_extension: str = Field(
        "", description="Extension a caller who wants a person is put through to; empty: a ticket."
    )
    outside_numbers: CommaList = Field(
        (), description="Outside numbers that may be dialled through the trunk, comma-separated."
    )
    transfer: Literal["attended", "blind"] = Field(
        "attended",
        description="`attended`: the bot calls the person while the caller hears music. `blind`: "
        "the PBX rings the person, the bot is out of the way. Back to the bot if nobody answers.",
    )
    transfer_ring_s: Annotated[int, Field(ge=5, le=120)] = Field(
        20, description="How long a transfer rings before it counts as unanswered."
    )
    twilio_domain: str = Field(
        "", description="Termination URI of your Twilio trunk, e.g. `acme.pstn.twilio.com`."
    )
    twilio_user: str = Field("", description="Credential list user of the Twilio trunk.")
    twilio_password: str = Field(
        "", description="Credential list password.", json_schema_extra={"secret": True}
    )
    twilio_numbers: CommaList = Field(
        (), description="Your Twilio numbers (E.164) that the bot answers, comma-separated."
    )
    twilio_tls_port: Port = Field(5161, description="TLS port Twilio sends calls to.")

    # FastAGI
    agi_host: str = Field("127.0.0.1", description="Address the FastAGI server listens on.")
    agi_port: Port = Field(4573, description="Port the FastAGI server listens on.")
    agi_allowed: CommaList = Field(
        ("127.0.0.0/8", "::1/128"),
        description="Networks a PBX may connect to FastAGI from, comma-separated.",
    )
    agi_media_dir_on_pbx: str = Field(
        "", description="Path of `<data_dir>/media` as the PBX sees it, when it differs."
    )

    # ARI
    inbound_line: Literal["stream", "turns"] = Field(
        "stream",
        description="What calls from a trunk reach: `stream` (extension 200) or `turns` (100).",
    )
    ari_apps: CommaList = Field(
        ("frontdesk-1",),
        description="Names of the bots that streaming calls are spread over, comma-separated.",
    )
    ari_app: str = Field("", description="This bot's name among them; empty is the first.")
    ari_host: str = Field("127.0.0.1", description="Address of the PBX's HTTP server.")
    ari_user: str = Field("frontdesk", description="User in the PBX's ari.conf.")
    ari_password: str = Field(
        "",
        description="Password of that user; the own PBX makes one up.",
        json_schema_extra={"secret": True},
    )
    ari_connection: Literal["to-pbx", "from-pbx"] = Field(
        "to-pbx",
        description="`to-pbx`: the bot connects to ARI. `from-pbx`: Asterisk connects to the bot, "
        "e.g. through a load balancer.",
    )
    ari_listen_host: str = Field(
        "127.0.0.1", description="With `from-pbx`: address the bot takes Asterisk's connection on."
    )
    ari_listen_port: Port = Field(8189, description="With `from-pbx`: the port for it.")
    ari_allowed: CommaList = Field(
        ("127.0.0.0/8", "::1/128"),
        description="With `from-pbx`: networks Asterisk may connect from, comma-separated.",
    )

    # The conversation
    max_calls: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Calls answered at once; more go to the fallback politely. Empty: what "
        "`frontdesk bench capacity` measured here, else 50.",
    )
    max_call_s: Annotated[int, Field(ge=10)] = Field(600, description="Longest call, in seconds.")
    answer_wait_s: Annotated[int, Field(ge=2, le=60)] = Field(
        6, description="How long we wait for the caller to begin to speak."
    )
    max_utterance_s: Annotated[int, Field(ge=3, le=120)] = Field(
        20, description="Longest single utterance."
    )
    complete_wait_s: Annotated[float, Field(ge=0.1, le=2)] = Field(
        0.16, description="Streaming: silence that ends a turn after what lacks nothing (“yes”)."
    )
    unknown_wait_s: Annotated[float, Field(ge=0.2, le=3)] = Field(
        0.6, description="Streaming: the same after words that may be all, or not."
    )
    unfinished_wait_s: Annotated[float, Field(ge=0.5, le=5)] = Field(
        1.5, description="Streaming: the same after what asks to go on, and within numbers."
    )
    barge_in_voiced_s: Annotated[float, Field(ge=0.06, le=1)] = Field(
        0.12, description="Streaming: how long the caller speaks over us before we fall silent."
    )
    minimum_speech_s: Annotated[float, Field(ge=0.03, le=0.3)] = Field(
        0.06, description="Streaming: shorter sounds are no speech."
    )
    voice_detector: Literal["auto", "energy"] = Field(
        "auto",
        description="Streaming: `auto` tells voices from noise with the Silero model, and by "
        "loudness alone where that does not load; `energy` is always loudness.",
    )
    energy_minimum_dbfs: Annotated[float, Field(ge=-70, le=-20)] = Field(
        -45.0, description="By loudness: what is quieter is no voice."
    )
    energy_baseline_factor: Annotated[float, Field(ge=1.2, le=10)] = Field(
        2.5, description="By loudness: how many times louder than the line's noise a voice is."
    )
    energy_debounce_s: Annotated[float, Field(ge=0.03, le=0.3)] = Field(
        0.03, description="By loudness: shorter sounds are clicks."
    )
    end_silence_s: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="Turn mode: silence that ends an utterance (Asterisk takes whole seconds)."
    )
    number_silence_s: Annotated[int, Field(ge=1, le=5)] = Field(
        2, description="Turn mode: the same while a number is being said; people pause in numbers."
    )
    filler_after_s: Annotated[float, Field(ge=0.3, le=10)] = Field(
        1.0,
        description="Seconds of silence after the caller's turn that are bridged with a word, when "
        "no answer can be ready sooner.",
    )
    reprompts: Annotated[int, Field(ge=0, le=5)] = Field(
        1, description="Reprompts after silence or noise before we say goodbye."
    )
    confirm_below: Fraction = Field(
        0.5, description="Recognition confidence under which we ask “did you say …?”."
    )
    reject_below: Fraction = Field(
        0.2, description="Recognition confidence under which nothing was understood."
    )

    phone_region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        "US", description="Country whose phone numbers callers give without a country code."
    )

    # Engines
    asr_engine: Literal["auto", "faster-whisper", "openai-whisper", "pocketsphinx"] = Field(
        "auto", description="Recogniser; `auto` is Whisper when a model is there."
    )
    asr_model: str = Field(
        "",
        description="Whisper model: a name (`tiny.en` … `large-v3`) or a folder.",
    )
    asr_device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Device for Whisper.")
    asr_compute_type: str = Field(
        "default", description="CTranslate2 compute type for Whisper (`int8`, `float16`, …)."
    )
    asr_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        2, description="Utterances recognised at the same moment."
    )
    language: str = Field("en", description="Language callers speak.")
    tts_engine: Literal["auto", "piper", "edge-tts", "flite", "espeak-ng"] = Field(
        "auto", description="Synthesiser; `auto` is the best one there."
    )
    tts_voice: str = Field("", description="Voice of that synthesiser; empty is its default.")
    tts_cache_mb: Annotated[int, Field(ge=10)] = Field(
        200, description="Disk the cache of spoken sentences may use."
    )
    ollama_url: str = Field("http://127.0.0.1:11434", description="Where Ollama listens.")
    ollama_model: str = Field("", description="Ollama model for open questions; empty: no LLM.")
    openai_url: Annotated[str, Field(pattern="^https?://")] = Field(
        "http://127.0.0.1:8080/v1",
        description="Base URL of an OpenAI-compatible server (vLLM, llama.cpp, LM Studio, …).",
    )
    openai_model: str = Field(
        "", description="Its model for open questions, asked instead of Ollama; empty: Ollama."
    )
    openai_key: Annotated[str, Field(pattern="^[!-~]*$")] = Field(
        "", description="Key of that server, if it wants one.", json_schema_extra={"secret": True}
    )
    ollama_first_token_s: Annotated[float, Field(gt=0)] = Field(
        2.0,
        description="How long we wait for the LLM's first token, Ollama's or the other's, before "
        "answering without it.",
    )
    ollama_total_s: Annotated[float, Field(gt=0)] = Field(
        15.0, description="How long an LLM answer may take in all."
    )
    # 4096 is what Ollama reserves memory for by default; below 2048 the rules leave no room.
    llm_context_tokens: Annotated[int, Field(ge=2048, le=131072)] = Field(
        4096,
        description="Tokens the LLM's question and answer may take together (Ollama's `num_ctx`); "
        "more facts and more of the conversation fit into more.",
    )

    # How long things are kept
    keep_recordings_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        None,
        description="Days after which recordings of calls, and of messages that became tickets, "
        "are deleted; empty: never.",
    )
    keep_calls_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        None,
        description="Days after which a call is deleted with all that was said, recordings and "
        "unanswered questions included; empty: never. Tickets, customers and the daily numbers "
        "stay.",
    )

    # Pages and API
    web_host: str = Field("127.0.0.1", description="Address of the dashboard and the API.")
    web_port: Port = Field(8000, description="Port of the dashboard and the API.")
    web_hosts: CommaList = Field(
        (),
        description="Names people open the dashboard by, comma-separated, e.g. `desk.example.com`; "
        "addresses and `localhost` always work.",
    )
    web_secure_cookies: bool = Field(
        False, description="Send session cookies over HTTPS only; switch on behind TLS."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged."
    )

    @field_validator(
        "outside_numbers",
        "twilio_numbers",
        "agi_allowed",
        "ari_allowed",
        "ari_apps",
        "web_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("agi_allowed", "ari_allowed")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            ipaddress.ip_network(item)
        return value

    @field_validator("ari_apps")
    @classmethod
    def _app_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) for name in value):
            raise ValueError("must be names of letters, digits, - and _, e.g. frontdesk-1")
        return value

    @field_validator("human_extension")
    @classmethod
    def _extension(cls, value: str) -> str:
        if value and not value.replace("+", "", 1).isdigit():
            raise ValueError("must be digits, e.g. 2001 or +15551234567")
        return value

    @property
    def bot_app(self) -> str:
        """The name this bot registers under in ARI."""
        return self.ari_app or self.ari_apps[0]

    @property
    def db_url(self) -> str:
        """The database's URL with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'frontdesk.db'}"

    @property
    def media_dir(self) -> Path:
        """Recordings and prompts shared with the PBX."""
        return self.data_dir / "media"


def load_settings(env_file: Path | None = ROOT / ".env") -> Settings:
    """Read the settings. Raises ConfigError with one line per mistake, naming the setting."""
    present = env_file if env_file is not None and env_file.is_file() else None
    _refuse_unknown(present)
    try:
        return Settings(_env_file=present)
    except ValidationError as error:
        lines = [
            _mistake(str(item["loc"][0]), item["msg"], item["input"]) for item in error.errors()
        ]
        raise ConfigError("\n".join(lines), fix="See the settings table in README.md.") from error


def _mistake(name: str, message: str, value: object) -> str:
    about = Settings.model_fields[name].json_schema_extra if name in Settings.model_fields else None
    is_secret = isinstance(about, dict) and bool(about.get("secret"))
    shown = "" if is_secret else f" (it is {value!r})"
    return f"{PREFIX}{name.upper()}: {message}{shown}."


def _refuse_unknown(env_file: Path | None) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = {name: "the environment" for name in os.environ if name.startswith(PREFIX)}
    if env_file is not None:
        for number, line in enumerate(env_file.read_text(encoding="utf-8").splitlines(), 1):
            name = line.strip().removeprefix("export ").split("=", 1)[0].strip()
            if name and not name.startswith("#"):
                given[name] = f"{env_file.name} line {number}"
    for name, place in given.items():
        if name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "See the settings table in README.md."
            raise ConfigError(f"Unknown setting {name} in {place}.", fix=hint)

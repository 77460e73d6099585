"""What is configured and from where; voice and recogniser; how long things are kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.api.configuration import Configured, Origin, change, configuration
from backend.config import PREFIX, Settings, load_settings
from backend.core.errors import ConfigError
from backend.db.models import Role
from tests.support.office import Office, open_office, send, words_of
from tests.support.office_bot import bots

ENGINES = "/settings/engines"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def set_as(name: str, env_file: Path) -> Configured:
    rows = configuration(load_settings(env_file), env_file)
    return next(row for row in rows if row.name == f"FRONTDESK_{name}")


def test_every_setting_is_shown_with_where_it_comes_from(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_LANGUAGE", "de")
    env_file.write_text("# mine\nFRONTDESK_TTS_VOICE=awb\nFRONTDESK_LANGUAGE=fr\n")
    assert set_as("TTS_VOICE", env_file).place == ".env, line 2"
    assert set_as("LANGUAGE", env_file).origin is Origin.ENVIRONMENT
    assert set_as("LANGUAGE", env_file).value == "de"
    assert set_as("MAX_CALL_S", env_file).origin is Origin.DEFAULT
    assert len(configuration(load_settings(env_file), env_file)) == len(Settings.model_fields)


def test_no_secret_is_ever_shown(env_file: Path) -> None:
    env_file.write_text("FRONTDESK_OPENAI_KEY=sesame\nFRONTDESK_ARI_PASSWORD=sesame\n")
    rows = configuration(load_settings(env_file), env_file)
    assert "sesame" not in str(rows)
    assert set_as("OPENAI_KEY", env_file).value == "set"
    assert set_as("TWILIO_PASSWORD", env_file).value == "not set"


def test_a_change_leaves_every_other_line(env_file: Path) -> None:
    env_file.write_text("# mine\nexport FRONTDESK_TTS_VOICE=awb\n\nFRONTDESK_LANGUAGE=en\n")
    change(env_file, {"tts_voice": "rms", "keep_calls_days": "30"})
    assert env_file.read_text() == (
        "# mine\nFRONTDESK_TTS_VOICE=rms\n\nFRONTDESK_LANGUAGE=en\nFRONTDESK_KEEP_CALLS_DAYS=30\n"
    )
    change(env_file, {"tts_voice": "", "keep_calls_days": ""})
    assert env_file.read_text() == "# mine\n\nFRONTDESK_LANGUAGE=en\n"


@pytest.mark.parametrize("name", ["with blank", "it's", 'say "hi"', "back\\slash", "a#b", "$HOME"])
def test_any_text_reads_back_the_same(env_file: Path, name: str) -> None:
    change(env_file, {"asr_model": name})
    assert load_settings(env_file).asr_model == name


def test_a_value_that_cannot_work_is_not_written(env_file: Path) -> None:
    with pytest.raises(ConfigError, match="FRONTDESK_TTS_ENGINE"):
        change(env_file, {"tts_engine": "megaphone"})
    assert not env_file.exists()


@pytest.mark.parametrize("name", ["a\u2028FRONTDESK_LANGUAGE=xx", "a\x85b", "${HOME}"])
def test_text_that_would_not_read_back_the_same_is_refused(env_file: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="FRONTDESK_TTS_VOICE"):
        change(env_file, {"tts_voice": name})
    assert not env_file.exists()


def test_a_file_that_is_no_text_is_left_alone(env_file: Path) -> None:
    env_file.write_bytes(b"FRONTDESK_TTS_VOICE=\xff\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        change(env_file, {"tts_voice": "rms"})
    assert list(env_file.parent.iterdir()) == [env_file]


def test_lines_with_strange_characters_stay_whole(env_file: Path) -> None:
    env_file.write_text("FRONTDESK_LANGUAGE='a\u2028b'\n", encoding="utf-8")
    change(env_file, {"tts_voice": "rms"})
    assert env_file.read_text(encoding="utf-8").split("\n")[0] == "FRONTDESK_LANGUAGE='a\u2028b'"


def test_a_link_stays_one(env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("FRONTDESK_LANGUAGE=en\n")
    env_file.symlink_to(tmp_path / "elsewhere")
    change(env_file, {"tts_voice": "rms"})
    assert env_file.is_symlink()
    assert "TTS_VOICE=rms" in (tmp_path / "elsewhere").read_text()


def test_a_new_file_is_nobody_elses_to_read(env_file: Path) -> None:
    change(env_file, {"tts_voice": "rms"})
    assert env_file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def desk(
    tmp_path: Path,
    seeded: Path,
    models: Path,
    env_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    with open_office(tmp_path, seeded, bots(models)) as office:
        office.services = replace(office.services, env_file=env_file)
        monkeypatch.setattr(office.app.state, "services", office.services)
        yield office


def test_a_voice_and_how_long_things_are_kept_are_chosen(desk: Office, env_file: Path) -> None:
    browser = desk.signed_in(Role.OWNER)
    chosen = {"voice": "flite/awb", "asr_engine": "auto", "keep_recordings_days": "30"}
    saved = send(browser, ENGINES, **chosen)
    assert saved.status_code == 303
    assert "used from the next start" in words_of(browser.get(saved.headers["location"]))
    assert env_file.read_text().splitlines() == [
        f"{PREFIX}TTS_ENGINE=flite",
        f"{PREFIX}TTS_VOICE=awb",
        f"{PREFIX}KEEP_RECORDINGS_DAYS=30",
    ]
    assert "tts_engine, tts_voice" in words_of(browser.get("/settings/audit"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("voice", "megaphone/x"),
        ("asr_engine", "ear-trumpet"),
        ("keep_calls_days", "0"),
        ("keep_calls_days", "forever"),
        ("asr_model", "x\nFRONTDESK_LANGUAGE=xx"),
    ],
)
def test_what_cannot_work_is_refused(desk: Office, env_file: Path, field: str, value: str) -> None:
    page = send(desk.signed_in(Role.OWNER), ENGINES, **{field: value})
    assert page.status_code == 422
    assert not env_file.exists()


def test_saving_again_keeps_a_choice_that_is_not_in_use_yet(desk: Office, env_file: Path) -> None:
    browser = desk.signed_in(Role.OWNER)
    send(browser, ENGINES, voice="auto/", asr_engine="pocketsphinx", keep_calls_days="30")
    shown = browser.get(ENGINES).text
    assert '<option value="pocketsphinx" selected>' in shown
    assert 'value="30"' in shown


def test_what_the_environment_sets_is_said_to_win(
    desk: Office, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_TTS_VOICE", "slt")
    browser = desk.signed_in(Role.OWNER)
    assert "FRONTDESK_TTS_VOICE is set in the environment" in words_of(browser.get(ENGINES))
    send(browser, ENGINES, voice="flite/awb")
    assert "TTS_VOICE" not in env_file.read_text()


def test_a_voice_that_is_not_here_cannot_be_heard(desk: Office) -> None:
    program = desk.program(Role.OWNER)
    answer = program.get("/api/settings/voice", params={"engine": "flite", "voice": "../../x"})
    assert answer.status_code == 404


def test_the_configuration_is_searched_and_for_owners_only(desk: Office) -> None:
    page = desk.signed_in(Role.OWNER).get("/settings/configuration", params={"q": "whisper"})
    assert "FRONTDESK_ASR_MODEL" in page.text
    assert "FRONTDESK_SIP_PORT" not in page.text
    supervisor = desk.signed_in(Role.SUPERVISOR)
    for path in (ENGINES, "/settings/configuration"):
        assert supervisor.get(path).status_code == 403

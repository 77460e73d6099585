"""What the sample caller hears, in words: PocketSphinx, told what the bot can say."""

from backend.agent.knowledge.load import load_knowledge
from backend.asr.base import Vocabulary
from backend.asr.pocketsphinx import PocketSphinx
from backend.config import Settings
from backend.core.errors import FrontdeskError
from backend.parts.finder import find


async def bot_listener(settings: Settings) -> PocketSphinx | None:
    """A recogniser for the bot's voice; None when there is none (the call goes on without)."""
    try:
        knowledge = load_knowledge(settings.kb_path)
        folder = settings.data_dir.absolute() / "models" / "pocketsphinx"
        listener = PocketSphinx(1, folder, find("flite", settings.data_dir))
        await listener.start()
    except FrontdeskError:
        return None
    listener.set_vocabulary(Vocabulary(tuple(knowledge.fixed_sentences())))
    return listener

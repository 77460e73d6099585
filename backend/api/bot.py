"""The bot behind the pages: what they talk to, try out and edit."""

from dataclasses import dataclass

from backend.agent.agent import FrontdeskAgent
from backend.agent.knowledge.editor import KnowledgeEditor
from backend.agent.knowledge.store import KnowledgeStore
from backend.asr.base import Recogniser
from backend.calls.center import CallCenter
from backend.telephony.ari.accounts import PhoneAccounts
from backend.telephony.stream.line import StreamParts
from backend.tts.base import Voice


@dataclass(frozen=True, slots=True)
class Bot:
    """The parts of a running bot that pages use."""

    center: CallCenter
    agent: FrontdeskAgent
    knowledge: KnowledgeStore
    editor: KnowledgeEditor
    voice: Voice
    recogniser: Recogniser
    stream: StreamParts
    phones: PhoneAccounts | None
    """None where the PBX is somebody else's: its configuration is not ours to change."""
    sip_url: str = ""
    """Where the own PBX takes SIP over a websocket, on loopback."""

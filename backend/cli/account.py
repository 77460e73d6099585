"""`frontdesk pbx account`: what to type into a softphone."""

from backend.config import Settings
from backend.core.errors import ConfigError
from backend.pbx.render import SOFTPHONE, account_names, run_folder
from backend.pbx.secrets_file import load_secrets


def describe_account(settings: Settings) -> str:
    """The accounts of the own PBX. Raises ConfigError when the PBX is not ours."""
    if settings.pbx == "external":
        raise ConfigError(
            "Your own PBX has the accounts.", fix="`frontdesk pbx snippet` prints what it needs."
        )
    names = account_names(settings)
    passwords = load_secrets(run_folder(settings), names).sip
    lines = [f"Server    {settings.sip_host}:{settings.sip_port} (UDP)"]
    for name in names:
        purpose = "your softphone" if name == SOFTPHONE else "the person callers are put through to"
        lines.append(f"User      {name} ({purpose})\nPassword  {passwords[name]}")
    lines.append("Dial      100 for the bot, 600 to hear yourself")
    if settings.sip_host == "127.0.0.1":
        lines.append("From another device: set FRONTDESK_SIP_HOST to this machine's address.")
    return "\n".join(lines)

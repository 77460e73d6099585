"""The ARI client that the settings ask for."""

from backend.config import Settings
from backend.pbx.render import account_names, run_folder
from backend.pbx.secrets_file import load_secrets
from backend.telephony.ari.client import AriAddress, AriClient, AriDialler
from backend.telephony.ari.listener import AriListener


def ari_address(settings: Settings) -> AriAddress:
    """Where Asterisk's HTTP server is. Raises PbxError for an unreadable password."""
    password = settings.ari_password
    if not password and settings.pbx == "own":
        password = load_secrets(run_folder(settings), account_names(settings)).ari
    return AriAddress(
        host=settings.ari_host,
        port=settings.ari_port,
        user=settings.ari_user,
        password=password,
        app=settings.bot_app,
    )


def ari_client(settings: Settings) -> AriClient:
    """Connecting to Asterisk, or waiting for its connection. Not started."""
    address = ari_address(settings)
    if settings.ari_connection == "from-pbx":
        return AriListener(
            address, settings.ari_listen_host, settings.ari_listen_port, settings.ari_allowed
        )
    return AriDialler(address)

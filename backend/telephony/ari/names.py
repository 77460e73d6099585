"""Names of what we create in Asterisk, so that whatever is left over can be told to be ours.

`<application>~<the caller's channel>~<part>`: several bots on one Asterisk never sweep each other.
"""

SEPARATOR = "~"
MEDIA = "media"
BRIDGE = "bridge"
PERSON = "person"
"""Leg towards somebody the caller is put through to; a number follows."""


def name_of(app: str, channel_id: str, part: str) -> str:
    """The id of that part of a call."""
    return SEPARATOR.join((app, channel_id, part))


def part_of(app: str, name: str) -> str | None:
    """`media`, `bridge`, `person1`, … when this application made it; else None."""
    owner, _, rest = name.partition(SEPARATOR)
    channel_id, _, part = rest.rpartition(SEPARATOR)
    return part if owner == app and channel_id else None

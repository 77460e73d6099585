"""Callers in a browser whose audio comes over a plain websocket: no PBX is involved."""

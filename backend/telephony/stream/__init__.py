"""The streaming line: audio both ways all the time, whatever carries it."""

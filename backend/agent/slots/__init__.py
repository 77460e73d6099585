"""Values in what the caller said: numbers, yes and no."""

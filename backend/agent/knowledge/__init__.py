"""What the company knows and says: one JSON file, loaded, checked and watched."""

"""The few words every room shares. Imports nothing of ours."""

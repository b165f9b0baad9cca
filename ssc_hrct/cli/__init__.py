"""The terminal's face of the use cases. Imports the standard library alone until a command runs."""

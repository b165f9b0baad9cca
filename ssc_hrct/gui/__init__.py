"""The window's face of the use cases: the only room that knows Qt. Importing this package does nothing."""

"""The engine: Volume -> lungs, zones, patterns, extents."""

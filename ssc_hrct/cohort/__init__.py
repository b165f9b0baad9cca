"""Many subjects: models, agreement, simulated trial. Not built yet."""

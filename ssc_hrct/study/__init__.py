"""The folder that remembers subjects, visits and scores. Not built yet; the only room that will speak SQL."""

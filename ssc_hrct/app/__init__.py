"""Use cases: one file for one thing that a person asks for. The only room that joins the rooms below."""

"""Views read the session and draw; they say what the hand did and never call each other."""

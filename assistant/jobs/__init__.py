"""Long commands, each in a process of its own: begun, queued, followed, stopped, taken up again."""

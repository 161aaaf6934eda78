"""The chat at a terminal: prompt, completion, editor, clipboard, rendered Markdown."""

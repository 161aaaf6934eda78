"""Other ways to ask the same question; names, numbers, dates and codes stay as they are."""

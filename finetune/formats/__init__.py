"""Files of training rows as users have them: read, checked, converted."""

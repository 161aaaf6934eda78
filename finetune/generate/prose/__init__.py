"""Questions from running text: sentence by sentence, in French and English."""

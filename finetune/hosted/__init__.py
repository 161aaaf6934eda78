"""Fine-tuning by a service that speaks OpenAI's API: files sent once, a job followed to its end, a run without weights."""

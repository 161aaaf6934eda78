"""What is to be known of OpenAI's own fine-tuning service before anything is sent to it."""

from __future__ import annotations

from datetime import date

OPENAI = "https://api.openai.com"
CLOSED_TO_NEW = "May 2026"
CLOSES = date(2027, 1, 6)


def closing(url: str, today: date) -> str:
    """That OpenAI's own service closes, or has closed; empty for any other address."""
    if not url.startswith(OPENAI):
        return ""
    when = f"{'closes' if today < CLOSES else 'closed'} to everyone on {CLOSES.isoformat()}"
    others = "Other services keep the same API: name one with --base-url, or model.base_url."
    return f"OpenAI's fine-tuning is closed to new organisations since {CLOSED_TO_NEW}, and {when}. {others}"

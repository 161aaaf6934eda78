"""How `dyag dataset review` shows what was decided."""

from __future__ import annotations

from assistant.commands.dataset_review import DatasetReview
from assistant.render import render
from assistant.screen import Screen, dim


@render.register
def _(result: DatasetReview, screen: Screen) -> None:
    done = result.accepted + result.edited + result.rejected
    screen.out(
        f"{result.accepted} accepted, {result.edited} edited, {result.rejected} rejected"
        + (f", {result.waiting} not decided." if result.waiting else ".")
    )
    if done:
        screen.out(_share(result, "rejected", result.rejected_share.count))
        if result.edited:
            screen.out(_share(result, "rejected or edited", result.wrong_share.count))
    for reason, count in result.reasons.items():
        screen.out(dim(f"  {count}  "), reason)
    if result.unread:
        rows = "1 row" if result.unread == 1 else f"{result.unread} rows"
        screen.note(f"{rows} cannot be read: `dyag dataset validate {result.file}` names them.")
    if result.applied:
        _applied(result, screen)
    elif result.edited or result.rejected:
        screen.note(f"`dyag dataset review {result.file} --apply` writes the file without what was rejected.")


def _share(result: DatasetReview, what: str, count: int) -> str:
    """`2 of 30 rejected: between 2% and 21% of the file`; of a file that was read whole there is nothing to guess."""
    found = result.rejected_share if what == "rejected" else result.wrong_share
    if found.of == result.rows:
        return f"{count} of {found.of} {what}: all of the file was looked at."
    return f"{count} of {found.of} {what}: between {found.low:.0%} and {found.high:.0%} of the file."


def _applied(result: DatasetReview, screen: Screen) -> None:
    made = result.applied
    assert made is not None
    screen.out(f"{made.rows} rows in {made.output}: {made.removed} left out, {made.changed} edited.")
    if made.original:
        screen.note(f"The file as it was: {made.original}")

"""What a client asks for, as the command line of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.api.begun import ApiJobs, Ask, Stamp

_NO_NAME = re.compile(r"[^A-Za-z0-9._]+")


def free_folder(begun: ApiJobs, model: str, stamp: Stamp) -> str:
    """`models/phi-finetuned-20261104_143012`, or with more behind it when there is one already."""
    plain = f"models/{_NO_NAME.sub('-', model.removeprefix('models/'))}-finetuned-{stamp.when}"
    taken = begun.rows.of_output(plain) or (begun.app.home.path / plain).exists()
    return f"{plain}-{stamp.tail}" if taken else plain


def device_words() -> list[str]:
    """Who asks a server to train is not asked again whether its CPU will do."""
    from assistant.commands.models import machine

    return ["--force-cpu"] if machine().device == "cpu" else ["--device", "cuda"]


def retraining(
    begun: ApiJobs, told: Mapping[str, Any], more: Sequence[str], key: str | None, digest: str, stamp: Stamp
) -> Ask:
    """A retraining, its model in a folder that is named as those of the other trainings."""
    output = free_folder(begun, "feedback", stamp)
    cpu = ["--force-cpu"] if "--force-cpu" in device_words() else []
    words = ("retrain", "--output", str(begun.app.home.path / output), *cpu, *more, "--json")
    return Ask("retrain", words, told, output, key, digest)

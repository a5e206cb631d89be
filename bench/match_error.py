"""The bench of match_score.py, told by its other figure: what was wrong of what was applied untouched."""

from __future__ import annotations

from bench import Result, match_score


def run(size: int | None, repeat: int) -> Result:
    return match_score.run(size, repeat, only="error")

"""Tokens as the stand-in counts them, and what a provider's prompt cache would have kept."""

from __future__ import annotations

import hashlib
import threading
from typing import NamedTuple

LETTERS = 4
"Characters a token, about."
STEP, FIRST = 128, 1_024
"Tokens: a cached prefix has at least FIRST, and grows by STEP."


class Count(NamedTuple):
    """Tokens of one exchange."""

    tokens_in: int
    cached: int
    tokens_out: int


def tokens(text: str) -> int:
    """How many tokens a text is taken to have."""
    return -(-len(text) // LETTERS)


class PromptCache:
    """The prefixes of earlier prompts, by model and cache key."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._lock = threading.Lock()

    def cached(self, model: str, key: str, prompt: str) -> int:
        """Tokens of the longest prefix that an earlier prompt had too; the prompt is an earlier one from now on."""
        running = hashlib.sha256(f"{model}\0{key}\0".encode())
        marks: list[tuple[int, bytes]] = []
        for end in range(STEP, len(prompt) // LETTERS + 1, STEP):
            running.update(prompt[(end - STEP) * LETTERS : end * LETTERS].encode())
            if end >= FIRST:
                marks.append((end, running.digest()))
        with self._lock:
            known = max((end for end, mark in marks if mark in self._seen), default=0)
            self._seen.update(mark for _, mark in marks)
        return known

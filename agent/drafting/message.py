"""A message as the customer will read it: a subject and a body."""

from __future__ import annotations

from dataclasses import dataclass

from agent.signals.finding import Frozen

LABEL = "subject:"


@dataclass(frozen=True)
class Places:
    """For each character of Message.text, where it stands in the text that the message was read from."""

    of: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of Message.text as a span of the text read."""
        whole = self.of[-1]
        first = self.of[min(start, len(self.of) - 1)]
        last = self.of[min(end, len(self.of)) - 1] + 1 if end > start else first
        return min(first, whole), min(max(first, last), whole)


class Message(Frozen):
    """Subject and body; `text` is the form people edit: the subject line, an empty line, the body."""

    subject: str
    body: str

    @property
    def text(self) -> str:
        """Subject line first, then an empty line, then the body."""
        return f"{self.subject}\n\n{self.body}"

    @property
    def body_start(self) -> int:
        """Where the body begins in `text`, in characters."""
        return len(self.subject) + 2

    @classmethod
    def parse(cls, text: str) -> Message:
        """The message in `text`; the first line is the subject, with or without 'Subject:' before it."""
        return cls.placed(text)[0]

    @classmethod
    def placed(cls, text: str) -> tuple[Message, Places]:
        """The message in `text`, and where in `text` its characters stand."""
        kept = [
            (letter, place)
            for place, letter in enumerate(text)
            if not (letter == "\ufeff" and place == 0) and text[place : place + 2] != "\r\n"
        ]
        plain = "".join(letter for letter, _ in kept)
        head, _, rest = plain.partition("\n")
        subject = head.strip()
        if subject.lower().startswith(LABEL):
            subject = subject[len(LABEL) :].strip()
        body = rest.strip("\n").rstrip()
        first = head.rfind(subject) if subject else len(head)
        after = len(head) + 1 + (len(rest) - len(rest.lstrip("\n")))
        places = [place for _, place in kept] + [len(text)]
        between = places[min(len(head), len(kept))]
        return cls(subject=subject, body=body), Places(
            (
                *places[first : first + len(subject)],
                between,
                between,
                *places[after : after + len(body)],
                len(text),
            )
        )

"""A message as the customer will read it: a subject and a body."""

from __future__ import annotations

from agent.signals.finding import Frozen


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
        head, _, rest = text.lstrip("\ufeff").replace("\r\n", "\n").partition("\n")
        subject = head.strip()
        if subject.lower().startswith("subject:"):
            subject = subject[len("subject:") :].strip()
        return cls(subject=subject, body=rest.strip("\n").rstrip())

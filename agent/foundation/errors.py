"""Every error a user can meet, in one tree.

OutgrownError                     exit 1: the work failed
├── UsageError                    exit 2: the command or its arguments are wrong
│   └── ConfigError               exit 2: outgrown.toml or the environment is wrong
├── InputError                    exit 1: a file or a row that cannot be read
│   └── TooManyRejected           exit 1: more bad rows than allowed; nothing was changed
├── SourceFailed                  exit 1: a vendor could not be read; the last good facts stay
│   └── VendorRefused             exit 1: a vendor answered, and said no
│       └── KeyRefused            exit 1: a vendor does not take the key
├── StoreError                    exit 1: facts or state cannot be opened
│   └── StoreBusy                 exit 1: another process holds the facts
├── NotFound                      exit 1: no such account, draft or delivery
├── MoveRefused                   exit 1: a draft may not go from this state to that one
│   └── Stale                     exit 1: what the draft says is no longer true or allowed
├── Blocked                       exit 1: a guardrail stands in the way
└── FigureMismatch                exit 1: a figure, recomputed, differs from what the engine found

A message is one sentence that says what is wrong, where, and how to mend it.
"""

from __future__ import annotations


class OutgrownError(Exception):
    """The root; `exit_code` is what the command line answers with."""

    exit_code = 1


class UsageError(OutgrownError):
    """The command or its arguments are wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """outgrown.toml or the environment is wrong."""


class InputError(OutgrownError):
    """A file or a row that cannot be read."""


class TooManyRejected(InputError):
    """More bad rows than `max_rejected` allows; nothing was changed."""


class SourceFailed(OutgrownError):
    """A vendor could not be read; the last good facts stay."""


class VendorRefused(SourceFailed):
    """A vendor answered, and said no; `status` is the answer's."""

    def __init__(self, says: str, status: int) -> None:
        super().__init__(says)
        self.status = status


class KeyRefused(VendorRefused):
    """A vendor does not take the key."""


class StoreError(OutgrownError):
    """Facts or state cannot be opened."""


class StoreBusy(StoreError):
    """Another process holds the facts."""


class NotFound(OutgrownError):
    """No such account, draft or delivery."""


class MoveRefused(OutgrownError):
    """A draft may not go from this state to that one."""


class Stale(MoveRefused):
    """What the draft says is no longer true or no longer allowed."""


class Blocked(OutgrownError):
    """A guardrail stands in the way."""


class FigureMismatch(OutgrownError):
    """A figure, recomputed from its source rows, differs from what the engine found."""

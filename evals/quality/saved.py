"""Evaluations on disk: saved, found again, read strictly."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from agent.foundation.errors import InputError
from evals.quality.result import Run

LAST = "last"
NAMED = "????-??-??T??????*.json"
LARGEST = 200_000_000
"Bytes; an evaluation of a few hundred cases has about one million."


def save(run: Run, path: Path) -> None:
    """Write an evaluation as JSON, whole or not at all, readable by its owner alone.

    Raises InputError when the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.part")
        half.touch(mode=0o600)
        half.write_text(run.model_dump_json(indent=1), encoding="utf-8")
        half.replace(path)
    except OSError as bad:
        raise InputError(f"{path} cannot be written ({bad.strerror}); name another file.") from None


def read(path: Path) -> Run:
    """A saved evaluation, or what `outgrown eval --json` printed.

    Raises InputError for a file that is not there or holds no evaluation.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is far too large for an evaluation; is it the right file?")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        return Run.model_validate(document)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; make one with `outgrown eval --save {path}`.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name a saved evaluation in it.") from None
    except OSError as bad:
        raise InputError(f"{path} cannot be read ({bad.strerror}); mend that or name another file.") from None
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(
            f"{path} is no evaluation this version can read ({where}: {first['msg'].lower()}); "
            "make it again with `outgrown eval --save`."
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{path} is not a JSON document; name a file that `outgrown eval --save` made."
        ) from None


def newest(folder: Path, but: Path | None = None) -> Path:
    """The evaluation saved last in a folder, `but` this one.

    Raises InputError when there is none.
    """
    # The names are times, so that the last by name is the last made.
    found = sorted(folder.glob(NAMED), key=lambda path: path.stem) if folder.is_dir() else []
    found = [path for path in found if but is None or path.resolve() != but.resolve()]
    if not found:
        raise InputError(
            f"There is no earlier evaluation in {folder}; run `outgrown eval` once, then compare."
        )
    return found[-1]


def place_for(run: Run, folder: Path) -> Path:
    """Where an evaluation is kept by default: its time as its name, a number after it if that is taken."""
    name = f"{run.made_at:%Y-%m-%dT%H%M%S}"
    path, number = folder / f"{name}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number:02d}.json"
    return path

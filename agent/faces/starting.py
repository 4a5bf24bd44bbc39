"""A new workspace: its two files, filled in with what can be found out without asking."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

from agent.foundation.errors import UsageError
from agent.foundation.settings import FILE
from agent.foundation.shipped import shipped


def write_workspace(folder: Path) -> list[Path]:
    """Write outgrown.toml, .env and the exports folder; never over a file that is there.

    Raises UsageError when the folder is a workspace already.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    target = folder / FILE
    if target.exists():
        raise UsageError(
            f"{target} is there already; edit it, or run `outgrown init --workspace DIR` for another folder."
        )
    make_folder(folder)
    # These two files are TOML and shell text, not HTML; every value goes through tojson.
    pages = Environment(
        loader=FileSystemLoader(shipped("templates", "workspace")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
    )
    name, email = _git("user.name"), _git("user.email")
    values = {
        "company": folder.name.replace("-", " ").replace("_", " ").strip().title() or "My company",
        "sender_name": (name or getpass.getuser()).split()[0],
        "sender_email": email or "you@your-company.example",
    }
    written = []
    for path, page in ((target, "outgrown.toml.j2"), (folder / ".env", "env.j2")):
        if not path.exists():
            path.write_text(pages.get_template(page).render(values) + "\n", encoding="utf-8")
            written.append(path)
    (folder / "exports").mkdir(exist_ok=True)
    return written


def make_folder(folder: Path) -> None:
    """Make a workspace's folder.

    Raises UsageError when there is something else of that name, or no permission.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as bad:
        why = "it is a file" if isinstance(bad, FileExistsError | NotADirectoryError) else bad.strerror
        raise UsageError(
            f"{folder} cannot be made a workspace ({why}); name a folder with --workspace DIR."
        ) from None


def _git(setting: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    # A fixed command; its answer goes into a file as quoted text.
    done = subprocess.run([git, "config", "--get", setting], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()

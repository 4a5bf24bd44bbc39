"""The page of the digest as Slack would show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.faces.slack.chart_png import chart_png
from agent.faces.slack.digest_blocks import digest_blocks
from agent.faces.slack.preview import preview, shown_message

if TYPE_CHECKING:
    from agent.faces.digest import DigestView


def preview_digest(view: DigestView) -> str:
    """The HTML of the digest in Slack, its charts in it."""
    charts, images = {}, {}
    for place, entry in enumerate(view.top, start=1):
        if entry.chart is not None and entry.chart.points:
            file_id = f"FCHART{place}"
            charts[entry.assessment.account_id] = file_id
            images[file_id] = chart_png(entry.chart)
    return preview(
        [shown_message("The weekly digest", digest_blocks(view, charts))], "The digest in Slack", images
    )

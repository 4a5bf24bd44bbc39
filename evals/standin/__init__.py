"""A model that stands in for the provider's: a server on loopback that speaks the real wire protocol."""

from evals.standin.asked import Api, Request
from evals.standin.replies import (
    CutOff,
    Dribble,
    Empty,
    Filtered,
    Hang,
    Html,
    Huge,
    Json,
    NotJson,
    Raw,
    Refusal,
    Reply,
    Slow,
    Status,
    Text,
    ToolCall,
    Wrong,
    in_turn,
)
from evals.standin.server import Standin

__all__ = [
    "Api",
    "CutOff",
    "Dribble",
    "Empty",
    "Filtered",
    "Hang",
    "Html",
    "Huge",
    "Json",
    "NotJson",
    "Raw",
    "Refusal",
    "Reply",
    "Request",
    "Slow",
    "Standin",
    "Status",
    "Text",
    "ToolCall",
    "Wrong",
    "in_turn",
]

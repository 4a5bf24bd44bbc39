"""Speed: what the engine costs beside the bare database."""

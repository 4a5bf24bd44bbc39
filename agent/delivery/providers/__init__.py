"""Mail providers that are spoken to over HTTP."""

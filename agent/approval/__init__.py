"""Approval: the life of a draft, from written to decided."""

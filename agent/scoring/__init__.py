"""Scoring: points, composite, holds, plays and the order of accounts."""

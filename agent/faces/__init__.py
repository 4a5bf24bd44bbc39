"""Faces: they translate, call once, and answer."""

"""Noise becomes an image; an image becomes a score: two networks, built from plain numbers."""

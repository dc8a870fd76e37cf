"""Recipes compared at equal time: what is declared, runs it, and makes the tables of the documentation."""

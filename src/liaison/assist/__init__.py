"""Small models behind narrow functions (not built yet: this folder holds the place in the layers)."""

"""What a patient or their proxy sees (not built yet: this folder holds the place in the layers)."""

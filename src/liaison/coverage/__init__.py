"""Insurance, eligibility, prior authorization, estimates (not built yet: this folder holds the place in the layers)."""

"""Tags of scheduling's templates."""

"""The screens of this package, by what a person does there."""

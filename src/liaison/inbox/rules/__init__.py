"""Decisions of the inbox as pure functions: who may be written to, when, in what words, and what calls prove."""

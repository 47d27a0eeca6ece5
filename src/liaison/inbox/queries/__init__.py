"""Reads of the inbox; whoever asks comes first."""

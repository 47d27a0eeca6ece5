"""One folder per outside standard or vendor. A gateway implements a Protocol of the package it serves."""

"""The screens of the ledger: changing a loop, handing a desk over, closed days."""

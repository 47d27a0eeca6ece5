"""The pages of people, of one's own account and of the audit trail."""

"""The rules of protocols: criteria trees, their two readings, and the clocks of transitional care. No Django."""

"""The screens of scheduling: booking, one appointment, a day, what can be booked."""

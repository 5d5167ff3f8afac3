"""`cabin keys`, one file for each of its actions: keys, statements, enrolment, inventory. No daemon imports them."""

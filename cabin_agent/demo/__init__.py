"""A whole cabin on one machine: simulated instruments, broker, gateway and core as processes of their own."""

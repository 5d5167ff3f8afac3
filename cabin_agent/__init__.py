"""The daemon: the only room that knows the instruments, the analysis and the delivery."""

"""The analysis: arrays in, findings out; no clock, no log, no input or output."""

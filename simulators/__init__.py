"""The other end of each wire, and the body that feeds them."""

"""What the record posts down to a cabin, inside the sealed envelope: settings, the key statement, appointments.

The contents are written and read here, on both ends of the road (docs/posts.md); how they travel is `sync`'s matter.
"""

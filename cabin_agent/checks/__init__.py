"""What `cabin check` looks at: one file each, every one a function that gives lines (`cabin_agent.checks.line`).

Nothing here starts a measure, prints, or hands anything to the record. A line that is wrong has exactly one cure.
"""

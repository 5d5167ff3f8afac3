"""How each measure is conducted: events of one instrument in, outcomes with their evidence out.

One file each; `cabin_agent.measuring.bedside` holds what they share. `TASKS` says which file does which task of the
plan; adding a measure touches nothing else but a line there and one in `cabin_agent.plan`.
"""

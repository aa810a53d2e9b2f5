"""The contract in Python: events, their envelope, the topics they travel on. ``schemas/`` is generated from here.

Everything else imports this package; it imports nothing of ours and does no IO.
"""

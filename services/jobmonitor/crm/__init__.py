"""The CRM: its users, what its forms offer, which supporters a query selects, and what an export says about them.

Reads run inside a transaction of one account (``database.pool.account_transaction``): row-level security hides all
others.
"""

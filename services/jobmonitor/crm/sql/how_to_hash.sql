-- How has a password to be hashed to be compared with the one of this address?
SELECT crm.how_to_hash(:email)

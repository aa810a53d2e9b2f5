-- These uploads ($1) are gone from the object store, or never came there.
DELETE FROM crm.uploads WHERE id = ANY ($1::uuid[])

-- These uploads are gone from the object store, or never came there.
DELETE FROM crm.uploads WHERE id = ANY (:upload_ids::uuid[])

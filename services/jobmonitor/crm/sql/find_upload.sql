-- What is known of this uploaded file ($1)?
SELECT id, name, media_type, size_bytes, sha256 FROM crm.uploads WHERE id = $1

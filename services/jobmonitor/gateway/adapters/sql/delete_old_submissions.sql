-- Submissions the projection has long known.
DELETE FROM gateway.submissions WHERE submitted_at < now() - interval '30 days'

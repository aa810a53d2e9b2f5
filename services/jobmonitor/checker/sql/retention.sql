-- Since when is kept what is dropped some day, as the reconciler was told.
SELECT what, now() - kept AS since FROM registry.retention

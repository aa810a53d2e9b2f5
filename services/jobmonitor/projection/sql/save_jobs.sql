-- Write these whole rows ({jobs}) into the monitor or the history. Their jobs are locked: nobody else writes them now.
MERGE INTO {schema}.job_{view} AS j
USING {jobs} AS s
ON {same_row}
WHEN MATCHED THEN
    UPDATE SET {changes}
WHEN NOT MATCHED THEN
    INSERT ({columns})
    VALUES ({values})

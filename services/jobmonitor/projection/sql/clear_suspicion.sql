-- Everything suspected in this partition is folded or put aside: claims are counted anew.
UPDATE {schema}.offsets SET claims = 0 WHERE topic = :topic AND partition = :partition AND epoch = :epoch

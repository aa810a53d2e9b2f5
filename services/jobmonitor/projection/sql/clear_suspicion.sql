-- Everything suspected in this partition is folded or put aside: claims are counted anew.
UPDATE projection.offsets SET claims = 0 WHERE topic = $1 AND partition = $2 AND epoch = $3

-- From here to the end of the transaction nothing is folded into the live tables; they can still be read.
LOCK TABLE projection.offsets IN EXCLUSIVE MODE

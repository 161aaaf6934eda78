"""Cases, metrics, reports and comparison. Imports `retrieval` only; always `from eval.x import y`."""

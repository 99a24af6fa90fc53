"""Lists of clusters in files: pxm's own, and the configurations of other programs. Text in, rows out; no I/O."""

"""What the official schema says of every route, and validation by it.

`routes.json` holds the facts of four releases (tests/simulator/reduce_schema.py made it), `facts.py` reads them,
`validation.py` checks parameters as pve-common does, `formats.py` knows the named formats of strings.
"""

"""The API's routes, one module a branch of the tree. A handler reads a `Call` and gives what goes under `data`."""

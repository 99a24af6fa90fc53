"""What can be done with clusters, and the ports that adapters implement. No framework, no adapter.

What the faces call runs on the client's loop and stands in `clusters`, `registrations`, `repairs`, `edits`,
`token_service` and `fleet`; they share `means`. What they have done by others, such as `registration` and `checking`,
knows no loop but the one it runs on.
"""

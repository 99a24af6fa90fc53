"""What can be done with clusters, and the ports that adapters implement. No framework, no adapter."""

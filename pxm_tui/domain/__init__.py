"""What a cluster, a certificate, a step and an error are. No I/O, no framework."""

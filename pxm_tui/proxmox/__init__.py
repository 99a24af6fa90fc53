"""The adapter to Proxmox VE: transport, TLS trust, login, the shapes of its answers."""

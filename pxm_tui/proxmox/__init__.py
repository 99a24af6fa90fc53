"""The adapter to Proxmox VE: its loop, its connections and their trust, logins, and what the answers mean."""

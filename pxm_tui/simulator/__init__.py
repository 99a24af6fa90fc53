"""A simulated Proxmox VE fleet: another program that speaks HTTPS and imports nothing of the rest."""

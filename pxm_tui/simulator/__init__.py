"""A simulated Proxmox VE fleet: another program that speaks HTTPS and imports nothing of the rest.

What belongs here: certificate authorities and leaves as Proxmox makes them, the state of clusters (accounts,
access control, nodes, guests), the routes that answer from that state, the transport with Proxmox's habits,
and what starts and steers a whole fleet (`fleet.py`, `thread.py`, `serve.py`).
"""

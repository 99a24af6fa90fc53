"""pxm-tui: many Proxmox VE clusters on one terminal.

Holds the version and nothing else: importing any submodule executes this file.
"""

__version__ = "0.1.0"

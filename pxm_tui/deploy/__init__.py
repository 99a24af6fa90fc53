"""What is installed or copied beside the program: a systemd unit and a container file for `pxm serve`, the manual page.

Nothing here is imported.
"""

"""Files to run `pxm serve` as a service: a systemd unit and a container file. Nothing here is imported."""

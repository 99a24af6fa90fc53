"""One screen or dialog a file. A screen calls a service in an async worker and shows what comes back."""

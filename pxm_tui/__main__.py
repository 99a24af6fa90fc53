"""`python -m pxm_tui`: the same as `pxm`."""

import sys

from pxm_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

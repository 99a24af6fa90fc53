"""`python -m pxm_tui.simulator`: a simulated fleet, served until it is interrupted."""

import sys

from pxm_tui.simulator.serve import main

if __name__ == "__main__":
    sys.exit(main())

"""`make demo`: one run of the real daemon on example data, told in the terminal and in demo/report.html."""

from __future__ import annotations

import sys

from demo.main import main

if __name__ == "__main__":
    sys.exit(main())

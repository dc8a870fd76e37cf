"""``python -m dcgan`` is the command line."""

import sys

from dcgan.interfaces.cli import main

sys.exit(main())

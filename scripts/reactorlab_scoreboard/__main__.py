"""The command line of scripts/scoreboard."""

import sys

from . import cli, selftest

options = cli.parse(sys.argv[1:])
sys.exit(selftest.run() if options.self_test else cli.work(options))

"""`python -m cloudlayer.cli` is the `cloudlayer` command."""

from cloudlayer.cli.main import main

main()

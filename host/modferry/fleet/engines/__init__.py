"""Where the work on boxes runs: threads of this process, or another machine's."""

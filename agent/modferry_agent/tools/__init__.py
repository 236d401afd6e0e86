"""kmod's command lines, answered by the agent."""

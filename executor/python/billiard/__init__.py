"""Only the name under which scripts import the exception of the time limit."""

"""The real server as a process, driven over HTTP as its users drive it."""

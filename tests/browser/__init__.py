"""The pages in Debian's Chromium, against real servers."""

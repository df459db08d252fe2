"""NGINX with the files of deploy/nginx/, before real servers."""

"""The service: de-identification over HTTP, and a page for people. It needs the extra ``serve``."""

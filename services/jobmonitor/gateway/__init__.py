"""The gateway: HTTP API, live stream and page. It reads the projection, publishes requests, streams results."""

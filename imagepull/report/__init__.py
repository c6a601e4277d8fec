"""A status as one HTML page that needs no server, no network and no second file: `imagepull report`."""

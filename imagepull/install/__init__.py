"""How the plugin gets to where Pulumi runs: a folder in a user's project, or an archive to download."""

"""What will be pulled, with which policy and credential, and what will go wrong."""

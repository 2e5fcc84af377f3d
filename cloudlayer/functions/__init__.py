"""What a function is: its manifest, its versions, its source, whom it may call."""

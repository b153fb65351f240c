"""What is known of the parameters beside their best values."""

"""What a closed round may show, to whom and how."""

"""What the three classifiers' recipes share."""

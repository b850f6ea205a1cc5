"""What the two GPT-2 recipes share, and the grammar of stories."""
